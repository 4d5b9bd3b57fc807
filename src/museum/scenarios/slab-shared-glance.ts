import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, tune } from "../../laboratory/steps.ts";

export const slabSharedGlance: SlabScenario = {
  name: "slab-shared-glance",
  story: "One CPU looks at the shared array without a lock while another replaces it.",
  machine: { cpus: 2, allocator: "slab", kernel: "6.1" },
  setup: on(0, tune(2, 1, 2), alloc("a", 4)),
  contexts: [task("A", 0, alloc("x")), task("B", 1, tune(2, 1, 1))],
};
