// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../scenario.ts";
import { alloc, bulkAlloc, free } from "../steps.ts";

export const twoTasksBulk: SlabScenario = {
  name: "two-tasks-bulk",
  story: "A free is preempted by a bulk allocation that takes the last object and asks for more.",
  machine: {},
  setup: on(0, alloc("a", 3)),
  contexts: [task("A", 0, free("a.0")), task("B", 0, bulkAlloc("x", 2))],
};
