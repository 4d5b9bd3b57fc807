import { interrupt, on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const interruptFree: SlabScenario = {
  name: "interrupt-free",
  story: "An interrupt takes the last objects of the cpu slab while one of it is being freed.",
  machine: {},
  setup: on(0, alloc("a", 4)),
  contexts: [task("A", 0, free("a.0")), interrupt("irq", 0, alloc("p"))],
};
