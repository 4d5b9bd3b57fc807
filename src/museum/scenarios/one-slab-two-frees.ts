import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const oneSlabTwoFrees: SlabScenario = {
  name: "one-slab-two-frees",
  story: "Two CPUs free objects of one full slab.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 8)),
  contexts: [task("A", 0, free("a.0")), task("B", 1, free("a.1"))],
};
