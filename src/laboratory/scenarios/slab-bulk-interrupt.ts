// SPDX-License-Identifier: GPL-2.0-only
import { interrupt, on, type SlabScenario, task } from "../scenario.ts";
import { alloc, bulkAlloc, bulkFree, free, tune } from "../steps.ts";

export const slabBulkInterrupt: SlabScenario = {
  name: "slab-bulk-interrupt",
  story: "An interrupt allocates and frees while a bulk call works on the CPU's array.",
  machine: { allocator: "slab" },
  setup: on(0, tune(4, 2, 0), alloc("a", 5)),
  contexts: [
    task("A", 0, bulkFree("a.0-2"), bulkAlloc("x", 4)),
    interrupt("irq", 0, free("a.3"), alloc("p")),
  ],
};
