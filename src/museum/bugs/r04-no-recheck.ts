// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const R04 = bug({
  id: "R04",
  title: "slub: fix a possible memleak in __slab_alloc()",
  commit: "73736e0387ba",
  year: 2011,
  verification: "V2",
  needs: "S",
  story: [
    "The slow path trusted that the list of the CPU is empty, because the fast path had seen it empty.",
    "An interrupt frees an object to that very list before the slow path disables interrupts, or the task has moved to a CPU with a list; the slow path overwrites the list.",
    "The slow path reads the list once more with interrupts off.",
  ],
  expect: ["lost-object"],
  change: onSlub((classes) => ({
    SlowAllocation: class extends classes.SlowAllocation {
      protected override recheckFreelist(): number {
        return 0;
      }
    },
  })),
  scenario: {
    name: "interrupt-empty",
    story: "An interrupt frees to a cpu slab in which an allocation has found nothing.",
    machine: {},
    setup: on(0, alloc("a", 4)),
    contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, free("a.0"))],
  },
  class: "lost-object",
  preemptions: 1,
});
