import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free, tune } from "../../laboratory/steps.ts";

export const slabSharedDrain: SlabScenario = {
  name: "slab-shared-drain",
  story: "One CPU drains the shared array while another takes from it.",
  machine: { cpus: 2, allocator: "slab" },
  setup: on(0, tune(2, 1, 2), alloc("a", 6), free("a")),
  contexts: [task("A", 0, flush()), task("B", 1, alloc("x"))],
};
