import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free } from "../../laboratory/steps.ts";

export const drainEmptySlab: SlabScenario = {
  name: "drain-empty-slab",
  story: "A drain of the cpu partial list finds an empty slab that the node does not want.",
  machine: { minPartial: 0 },
  setup: on(0, alloc("a", 8), free("a.0-3")),
  contexts: [task("A", 0, flush())],
};
