import { type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc } from "../../laboratory/steps.ts";

export const twoAllocations: SlabScenario = {
  name: "two-allocations",
  story: "Two tasks of one CPU allocate from a cache without slabs.",
  machine: {},
  setup: [],
  contexts: [task("A", 0, alloc("x")), task("B", 0, alloc("y"))],
};
