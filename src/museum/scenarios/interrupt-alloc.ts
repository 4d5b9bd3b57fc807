import { interrupt, on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const interruptAlloc: SlabScenario = {
  name: "interrupt-alloc",
  story: "An interrupt takes two objects and gives the first back, anywhere in an allocation.",
  machine: {},
  setup: on(0, alloc("a"), free("a")),
  contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, [alloc("p"), alloc("q"), free("p")])],
};
