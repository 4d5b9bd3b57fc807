import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, call, free, type Step, tune } from "../../laboratory/steps.ts";

const takeDown: Step = call("CPU 1, the last of node 1, goes down", ({ slab }) => {
  slab?.hotplug.deadCpu(1, { lastOfNode: true });
  return undefined;
});

export const slabAlienOffline: SlabScenario = {
  name: "slab-alien-offline",
  story: "Objects of node 1 are sent home while its last CPU goes down.",
  machine: { cpus: 2, nodes: 2, allocator: "slab", kernel: "6.1" },
  setup: on(0, tune(1, 1, 1), alloc("b", 13, 1), free("b.0-11")),
  contexts: [task("A", 0, free("b.12")), task("B", 0, takeDown)],
};
