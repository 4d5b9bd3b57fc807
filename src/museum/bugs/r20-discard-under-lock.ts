/**
 * Draining the cpu partial list gives empty slabs back while list_lock is held. Giving pages back
 * may allocate and free (debug objects, RCU) and then wants the same lock.
 */
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free } from "../../laboratory/steps.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const R20 = bug({
  id: "R20",
  title: "slub: move discard_slab out of node lock",
  commit: "9ada19342b24",
  year: 2011,
  verification: "V3",
  needs: "0",
  story: [
    "Draining the cpu partial list gave empty slabs back with list_lock held.",
    "Giving pages back may allocate and free, and then wants the same lock.",
    "The slabs are collected and given back after the lock is dropped.",
  ],
  expect: ["deadlock"],
  change: onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override unfreezeOne(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): boolean {
        if (super.unfreezeOne(s, n, page)) this.slabPages.discard(s, page);
        return false;
      }
    },
  })),
  scenario: {
    name: "drain-empty-slab",
    story: "A drain of the cpu partial list finds an empty slab that the node does not want.",
    machine: { minPartial: 0 },
    setup: on(0, alloc("a", 8), free("a.0-3")),
    contexts: [task("A", 0, flush())],
  },
  class: "deadlock",
  preemptions: 0,
});
