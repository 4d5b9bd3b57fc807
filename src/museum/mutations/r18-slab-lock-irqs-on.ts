/**
 * On a machine without the double-word swap, slab_lock is taken with interrupts on: an interrupt
 * that frees another object of the same slab waits for the lock that it sits on.
 */

import { onSlub } from "../../kernel/classes.ts";
import type { PagePtr } from "../../pages/page.ts";
import { withSlabLock } from "../../slub/options/slab-lock.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R18: Mutation = {
  id: "R18",
  title: "slub: disable interrupts in cmpxchg_double_slab when falling back to pagelock",
  commit: "1d07171c5e58",
  year: 2011,
  expect: ["deadlock"],
  change: onSlub((classes) => ({
    ...withSlabLock(classes),
    PageSwap: class extends classes.PageSwap {
      override swapIrqSafe(
        s: KmemCachePtr,
        page: PagePtr,
        oldFreelist: number,
        oldCounters: number,
        newFreelist: number,
        newCounters: number,
      ): boolean {
        return this.swap(s, page, oldFreelist, oldCounters, newFreelist, newCounters);
      }
    },
  })),
};
