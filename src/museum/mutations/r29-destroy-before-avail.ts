/**
 * A queue's objects go home and empty slabs are destroyed before `avail` says that they are gone.
 * Destroying a slab may free to the very same queue, which then flushes the same entries again.
 */

import { onSlab } from "../../kernel/classes.ts";
import { dropOldest } from "../../slab/array-cache.ts";
import type { ArrayCachePtr, KmemCachePtr } from "../../slab/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R29: Mutation = {
  id: "R29",
  title: "mm: slab: fix potential double free in ___cache_free",
  commit: "678ff6a7afcc",
  year: 2020,
  expect: [
    "double-free",
    "double-allocation",
    "counter-drift",
    "list-corruption",
    "lost-object",
    "use-after-free",
  ],
  change: onSlab((form) => ({
    Flush: class extends form.Flush {
      protected override leave(
        s: KmemCachePtr,
        ac: ArrayCachePtr,
        count: number,
        doomed: number[],
      ): void {
        this.slabPages.destroyAll(s, doomed);
        dropOldest(this.memory, ac, count);
      }
    },
  })),
};
