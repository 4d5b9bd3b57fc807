/**
 * Draining the cpu partial list gives empty slabs back while list_lock is held. Giving pages back
 * may allocate and free (debug objects, RCU) and then wants the same lock.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R20: Mutation = {
  id: "R20",
  title: "slub: move discard_slab out of node lock",
  commit: "9ada19342b24",
  year: 2011,
  expect: ["deadlock"],
  change: onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override unfreezeOne(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): boolean {
        if (super.unfreezeOne(s, n, page)) this.slabPages.discard(s, page);
        return false;
      }
    },
  })),
};
