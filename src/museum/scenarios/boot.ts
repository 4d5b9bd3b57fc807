import { type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const boot: SlabScenario = {
  name: "boot",
  story: "A machine is booted, and an object allocated.",
  machine: {},
  setup: [],
  contexts: [task("A", 0, alloc("x"), free("x"))],
};
