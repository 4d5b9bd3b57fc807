import { interrupt, on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const interruptEmpty: SlabScenario = {
  name: "interrupt-empty",
  story: "An interrupt frees to a cpu slab in which an allocation has found nothing.",
  machine: {},
  setup: on(0, alloc("a", 4)),
  contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, free("a.0"))],
};
