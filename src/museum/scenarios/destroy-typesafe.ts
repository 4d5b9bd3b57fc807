import { SLAB_TYPESAFE_BY_RCU } from "../../caches/flags.ts";
import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, destroy, free } from "../../laboratory/steps.ts";

export const destroyTypesafe: SlabScenario = {
  name: "destroy-typesafe",
  story: "A cache whose slabs go back by RCU is destroyed right after its last object was freed.",
  machine: { cpus: 2, flags: SLAB_TYPESAFE_BY_RCU },
  setup: on(0, alloc("a", 4)),
  contexts: [task("A", 0, [free("a"), destroy()])],
};
