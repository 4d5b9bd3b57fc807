/**
 * What a destroyed slab held is given back with the alien lock and list_lock still held. That is a
 * free of its own, which may want the list_lock of another node: two nodes that send each other's
 * objects home wait for each other.
 */
import { onSlab } from "../../kernel/classes.ts";
import type { Address } from "../../machine/memory.ts";
import { Page } from "../../pages/page.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../../slab/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R35: Mutation = {
  id: "R35",
  title: "slab: destroy a slab without holding any alien cache lock",
  commit: "833b706cc8b4",
  year: 2014,
  expect: ["deadlock"],
  change: onSlab((form) => ({
    FreeBlock: class extends form.FreeBlock {
      override free(s: KmemCachePtr, n: KmemCacheNodePtr, objects: readonly Address[]): number[] {
        const doomed = super.free(s, n, objects);
        for (const page of doomed) {
          this.indexes.release(s, page);
          // Nothing is left for whoever destroys the slab later.
          this.memory.write32(page + Page.freelist, 0);
        }
        return doomed;
      }
    },
  })),
};
