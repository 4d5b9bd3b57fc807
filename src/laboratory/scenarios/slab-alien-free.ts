// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free, tune } from "../steps.ts";

export const slabAlienFree: SlabScenario = {
  name: "slab-alien-free",
  story: "Two CPUs of a node send objects of another node home, by the same alien cache.",
  machine: { cpus: 3, nodes: 2, allocator: "slab" },
  setup: on(0, tune(4, 2, 0), alloc("b", 6, 1)),
  contexts: [task("A", 0, free("b.0"), free("b.1")), task("B", 1, free("b.2"))],
};
