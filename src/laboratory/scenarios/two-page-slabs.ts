// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, flush, free, shrink } from "../steps.ts";

export const twoPageSlabs: SlabScenario = {
  name: "two-page-slabs",
  story: "Slabs of two pages go on one CPU while another takes one.",
  machine: { cpus: 2, maxOrder: 1 },
  setup: on(0, alloc("a", 9), free("a")),
  contexts: [task("A", 0, flush(), shrink()), task("B", 1, alloc("x"))],
};
