import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const remoteFreeRefill: SlabScenario = {
  name: "remote-free-refill",
  story: "One CPU frees into the cpu slab of another, which allocates.",
  machine: { cpus: 2 },
  setup: on(1, alloc("a", 4)),
  contexts: [task("A", 0, free("a.0")), task("B", 1, alloc("x"), alloc("y"))],
};
