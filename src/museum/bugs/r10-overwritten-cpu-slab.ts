// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { task } from "../../laboratory/scenario.ts";
import { alloc } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const R10 = bug({
  id: "R10",
  title: "SLUB: fix memory leak by not reusing cpu_slab",
  commit: "05aa345034de",
  year: 2008,
  verification: "U",
  isIdUnconfirmed: true,
  needs: "S",
  story: [
    "Interrupts are on while pages for a new slab are allocated.",
    "Another allocation installs a slab on the same CPU meanwhile, and the first one installs its own over it.",
    "The slow path first flushes the slab that the CPU has by then.",
  ],
  expect: ["stuck-frozen-slab", "lost-object"],
  change: onSlub((classes) => ({
    SlowAllocation: class extends classes.SlowAllocation {
      protected override flushIntruder(): void {}
    },
  })),
  scenario: {
    name: "two-allocations",
    story: "Two tasks of one CPU allocate from a cache without slabs.",
    machine: {},
    setup: [],
    contexts: [task("A", 0, alloc("x")), task("B", 0, alloc("y"))],
  },
  class: "stuck-frozen-slab",
  preemptions: 1,
});
