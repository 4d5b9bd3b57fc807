// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, call, free, type Step, tune } from "../../laboratory/steps.ts";
import type { HowMany } from "../../slab/drain.ts";
import { KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";
import { withQueueChecks } from "../queue-checks.ts";

/** What cache_reap and kmem_cache_shrink do to a node's shared array, without a mutex around it. */
export const drainShared: Step = call("drain the shared array", ({ slab, s }) => {
  const n = slab?.context.nodeOf(s, 0) ?? 0;
  slab?.drain.drainShared(s, n, "all");
  return undefined;
});

export const R30 = bug({
  id: "R30",
  title: "mm/slab: fix the theoretical race by holding proper lock",
  commit: "18726ca8b34b",
  year: 2016,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "The drain looked up the shared array before it took the lock.",
    "A task that tunes the cache replaces the array and frees it in between, and the drain works on freed memory.",
    "The array is looked up under the lock.",
  ],
  base: withQueueChecks,
  expect: ["use-after-free", "double-allocation", "double-free"],
  change: onSlab((form) => ({
    Drain: class extends form.Drain {
      override drainShared(s: KmemCachePtr, n: KmemCacheNodePtr, howMany: HowMany): void {
        const shared = this.memory.readOnce(n + KmemCacheNode.shared);
        if (shared === 0) return;
        const flags = this.lists.lockIrqsave(n);
        const emptied = this.drainLocked(s, n, shared, howMany);
        this.lists.unlockIrqrestore(n, flags);
        this.slabPages.destroyAll(s, emptied);
      }
    },
  })),
  retypes: { "Drain.drainShared": "b5a3fdb7" },
  scenario: {
    name: "slab-shared-exchange",
    story: "One CPU drains the shared array while another replaces it.",
    machine: { cpus: 2, allocator: "slab" },
    setup: on(0, tune(2, 1, 2), alloc("a", 6), free("a")),
    contexts: [task("A", 0, drainShared), task("B", 1, tune(2, 1, 1))],
  },
  class: "use-after-free",
  preemptions: 1,
});
