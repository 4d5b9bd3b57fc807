import { interrupt, on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const drainInterrupt: SlabScenario = {
  name: "drain-interrupt",
  story: "An interrupt frees to a full slab while the cpu partial list is drained.",
  machine: { cpuPartial: 1 },
  setup: on(0, alloc("a", 24), free("a.0"), free("a.4")),
  contexts: [task("A", 0, free("a.12")), interrupt("irq", 0, free("a.16"))],
};
