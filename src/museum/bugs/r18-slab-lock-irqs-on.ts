// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import type { PagePtr } from "../../pages/page.ts";
import { withSlabLock } from "../../slub/options/slab-lock.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const R18 = bug({
  id: "R18",
  title: "slub: disable interrupts in cmpxchg_double_slab when falling back to pagelock",
  commit: "1d07171c5e58",
  year: 2011,
  verification: "V2",
  needs: "S",
  story: [
    "On a machine without the double-word swap, a bit of the page is the lock, and it was taken with interrupts on.",
    "An interrupt frees another object of the same slab and waits for the lock of the task it interrupted.",
    "Interrupts are off while the lock is held.",
  ],
  expect: ["deadlock"],
  change: onSlub((classes) => ({
    ...withSlabLock(classes),
    PageSwap: class extends classes.PageSwap {
      // biome-ignore lint/complexity/useMaxParams: overrides PageSwap.swapIrqSafe
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
  retypes: { "PageSwap.swapIrqSafe": "13e9ea34" },
  scenario: {
    name: "slab-lock-interrupt",
    story:
      "Without the double-word swap: an interrupt frees to the slab that a task is freeing to.",
    machine: { swap: "slab_lock" },
    setup: on(0, alloc("a", 8)),
    contexts: [task("A", 0, free("a.0")), interrupt("irq", 0, free("a.1"))],
  },
  class: "deadlock",
  preemptions: 1,
});
