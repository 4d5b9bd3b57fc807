// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free } from "../steps.ts";

export const twoCpus: SlabScenario = {
  name: "two-cpus",
  story: "One CPU frees into the used-up slab from which the other allocates.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 4)),
  contexts: [task("A", 0, alloc("x"), free("x")), task("B", 1, free("a.0"), alloc("y"), free("y"))],
};
