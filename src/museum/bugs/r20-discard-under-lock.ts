// SPDX-License-Identifier: GPL-2.0-only
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
    "Draining the cpu partial list discarded empty slabs with list_lock held.",
    "Freeing pages may itself allocate and free (debug objects, RCU) and then wants the same lock.",
    "The drain collects the empty slabs and discards them after it drops the lock.",
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
