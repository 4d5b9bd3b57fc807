import { type SlabScenario, task } from "../../explore/scenario/scenario.ts";
import { alloc } from "../../explore/scenario/steps.ts";

export const twoAllocations: SlabScenario = {
  name: "two-allocations",
  story: "Two tasks of one CPU allocate from a cache without slabs.",
  machine: {},
  setup: [],
  contexts: [task("A", 0, alloc("x")), task("B", 0, alloc("y"))],
};
