// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, free, shrink } from "../steps.ts";

export const shrinkFree: SlabScenario = {
  name: "shrink-free",
  story: "One CPU shrinks the cache while the other empties a slab.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 6)),
  contexts: [task("A", 0, shrink()), task("B", 1, free("a.0-3"))],
};
