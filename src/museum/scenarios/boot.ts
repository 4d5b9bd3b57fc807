import { type SlabScenario, task } from "../../explore/scenario/scenario.ts";
import { alloc, free } from "../../explore/scenario/steps.ts";

export const boot: SlabScenario = {
  name: "boot",
  story: "A machine is booted, and an object allocated.",
  machine: {},
  setup: [],
  contexts: [task("A", 0, alloc("x"), free("x"))],
};
