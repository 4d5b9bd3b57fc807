import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const twoTasksDrop: SlabScenario = {
  name: "two-tasks-drop",
  story: "A free is preempted by an allocation that finds the cpu slab used up and drops it.",
  machine: {},
  setup: on(0, alloc("a", 4)),
  contexts: [task("A", 0, free("a.0")), task("B", 0, alloc("x"))],
};
