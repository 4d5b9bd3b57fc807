import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const freeAndTake: SlabScenario = {
  name: "free-and-take",
  story: "One CPU frees to a full slab; another frees there, too, and allocates again.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 8)),
  contexts: [task("A", 0, free("a.0")), task("B", 1, free("a.1"), alloc("x"))],
};
