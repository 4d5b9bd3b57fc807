import { SLAB_TYPESAFE_BY_RCU } from "../../caches/flags.ts";
import { on, type SlabScenario, task } from "../../explore/scenario/scenario.ts";
import { alloc, destroy, free } from "../../explore/scenario/steps.ts";

export const destroyTypesafe: SlabScenario = {
  name: "destroy-typesafe",
  story: "A cache whose slabs go back by RCU is destroyed right after its last object was freed.",
  machine: { cpus: 2, flags: SLAB_TYPESAFE_BY_RCU },
  setup: on(0, alloc("a", 4)),
  contexts: [task("A", 0, [free("a"), destroy()])],
};
