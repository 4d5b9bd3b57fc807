import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free } from "../../laboratory/steps.ts";

export const remoteFreeDeactivate: SlabScenario = {
  name: "remote-free-deactivate",
  story: "CPU 1 frees into a slab that CPU 0 is giving up.",
  machine: { cpus: 2, minPartial: 0 },
  setup: on(0, alloc("a", 8), free("a.1-3")),
  contexts: [task("A", 0, flush()), task("B", 1, free("a.0"))],
};
