import { interrupt, on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const slabInterruptAlloc: SlabScenario = {
  name: "slab-interrupt-alloc",
  story: "An interrupt allocates anywhere in an allocation.",
  machine: { allocator: "slab" },
  setup: on(0, alloc("a", 2), free("a")),
  contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, alloc("p"))],
};
