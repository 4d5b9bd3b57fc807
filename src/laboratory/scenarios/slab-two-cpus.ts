// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free, tune } from "../steps.ts";

export const slabTwoCpus: SlabScenario = {
  name: "slab-two-cpus",
  story: "Two CPUs allocate and free objects of one node.",
  machine: { cpus: 2, allocator: "slab" },
  setup: on(0, tune(2, 1, 1), alloc("a", 4)),
  contexts: [task("A", 0, free("a.0-2"), alloc("x")), task("B", 1, free("a.3"), alloc("y", 2))],
};
