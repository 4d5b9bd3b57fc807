// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free } from "../steps.ts";

export const twoCpus: SlabScenario = {
  name: "two-cpus",
  story: "Two CPUs allocate and free, both into the cpu slab of the first.",
  machine: { cpus: 2 },
  setup: [...on(0, alloc("a", 2)), ...on(1, alloc("b"))],
  contexts: [task("A", 0, alloc("x"), free("x")), task("B", 1, free("a.0"), alloc("y"), free("y"))],
};
