// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, tune } from "../../laboratory/steps.ts";
import type { ArrayCachePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";
import { withQueueChecks } from "../queue-checks.ts";

/** Only in the form since 4.8: before, a refill looks at the shared array under the lock. */
export const R31 = bug({
  id: "R31",
  title: "mm/slab: lockless decision to grow cache",
  commit: "801faf0db894",
  year: 2016,
  verification: "V2",
  needs: "X",
  story: [
    "A refill looks at the shared array without a lock, to see whether the lock is worth taking.",
    "If a replaced array is freed at once, the refill reads freed memory.",
    "The array is freed after a grace period, which a refill delays because its interrupts are off.",
  ],
  base: withQueueChecks,
  expect: ["use-after-free", "double-allocation", "data-race"],
  change: onSlab((classes) => ({
    NodeSetup: class extends classes.NodeSetup {
      protected override retireShared(old: ArrayCachePtr): void {
        this.context.common.kfree(old);
      }
    },
  })),
  retypes: { "NodeSetup.retireShared": "d11f3df2" },
  scenario: {
    name: "slab-shared-glance",
    story: "One CPU looks at the shared array without a lock while another replaces it.",
    machine: { cpus: 2, allocator: "slab", kernel: "6.1" },
    setup: on(0, tune(2, 1, 2), alloc("a", 4)),
    contexts: [task("A", 0, alloc("x")), task("B", 1, tune(2, 1, 1))],
  },
  class: "use-after-free",
  preemptions: 1,
});
