import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free, tune } from "../../laboratory/steps.ts";
import { drainShared } from "./slab-preparations.ts";

export const slabSharedExchange: SlabScenario = {
  name: "slab-shared-exchange",
  story: "One CPU drains the shared array while another replaces it.",
  machine: { cpus: 2, allocator: "slab" },
  setup: on(0, tune(2, 1, 2), alloc("a", 6), free("a")),
  contexts: [task("A", 0, drainShared), task("B", 1, tune(2, 1, 1))],
};
