// SPDX-License-Identifier: GPL-2.0-only
import { interrupt, on, type SlabScenario, task } from "../scenario.ts";
import { alloc, bulkAlloc, free } from "../steps.ts";

export const bulkInterrupt: SlabScenario = {
  name: "bulk-interrupt",
  story: "An interrupt frees while a bulk allocation uses the cpu slab up.",
  machine: {},
  setup: on(0, alloc("a", 3)),
  contexts: [task("A", 0, bulkAlloc("x", 3)), interrupt("irq", 0, free("a.0"), alloc("p"))],
};
