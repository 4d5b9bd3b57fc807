import { interrupt, on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";

export const slabLockInterrupt: SlabScenario = {
  name: "slab-lock-interrupt",
  story: "Without the double-word swap: an interrupt frees to the slab that a task is freeing to.",
  machine: { swap: "slab_lock" },
  setup: on(0, alloc("a", 8)),
  contexts: [task("A", 0, free("a.0")), interrupt("irq", 0, free("a.1"))],
};
