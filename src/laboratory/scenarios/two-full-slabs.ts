// SPDX-License-Identifier: GPL-2.0-only
import { interrupt, on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free } from "../steps.ts";

export const twoFullSlabs: SlabScenario = {
  name: "two-full-slabs",
  story: "An interrupt frees the first object of a full slab while a task does so with another.",
  machine: {},
  setup: on(0, alloc("a", 12)),
  contexts: [task("A", 0, free("a.0")), interrupt("irq", 0, free("a.4"))],
};
