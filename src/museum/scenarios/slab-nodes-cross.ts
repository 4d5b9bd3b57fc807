import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free, tune } from "../../laboratory/steps.ts";
import { noFreeSlabs, vectorOf } from "./slab-preparations.ts";

export const slabNodesCross: SlabScenario = {
  name: "slab-nodes-cross",
  story: "Two nodes free each other's objects, each the last of a slab.",
  machine: { cpus: 2, nodes: 2, allocator: "slab" },
  setup: [
    ...on(0, tune(1, 1, 0), noFreeSlabs, alloc("b", 16, 1)),
    ...on(1, alloc("c", 16, 0)),
    ...on(0, vectorOf("b.4", "c.1"), free("b.4-15"), free("c.2")),
    ...on(1, vectorOf("c.4", "b.1"), free("c.4-15"), free("b.2")),
  ],
  contexts: [task("A", 0, free("b.0")), task("B", 1, free("c.0"))],
};
