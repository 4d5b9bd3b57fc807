import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free } from "../../laboratory/steps.ts";

export const emptyListedSlab: SlabScenario = {
  name: "empty-listed-slab",
  story: "The last object of a slab on its node's list is freed.",
  machine: { minPartial: 0 },
  setup: on(0, alloc("a", 8), free("a.1-3"), free("a.5-7"), flush()),
  contexts: [task("A", 0, free("a.0"), alloc("x"))],
};
