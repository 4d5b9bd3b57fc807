import { interrupt, on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, flushCpu, free } from "../../laboratory/steps.ts";

export const flushInterrupt: SlabScenario = {
  name: "flush-interrupt",
  story: "A flush of the CPU comes in the middle of an allocation that names its node.",
  machine: {},
  setup: on(0, alloc("a"), free("a")),
  contexts: [task("A", 0, alloc("x", 1, 0)), interrupt("IPI", 0, flushCpu())],
};
