import { SLAB_CONSISTENCY_CHECKS, SLAB_POISON, SLAB_RED_ZONE } from "../../caches/flags.ts";
import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free, write } from "../../laboratory/steps.ts";

export const validateFree: SlabScenario = {
  name: "validate-free",
  story: "A debug cache is validated while another CPU gives an object back.",
  machine: { cpus: 2, flags: SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON },
  setup: on(0, alloc("a", 2)),
  contexts: [task("A", 0, free("a.0")), task("B", 1, write("validate", "1"))],
};
