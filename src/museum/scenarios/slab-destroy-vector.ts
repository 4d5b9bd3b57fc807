import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free, tune } from "../../laboratory/steps.ts";
import { noFreeSlabs, vectorOf } from "./slab-preparations.ts";

export const slabDestroyVector: SlabScenario = {
  name: "slab-destroy-vector",
  story: "A full array is flushed; the slab that this empties holds an object of the same cache.",
  machine: { allocator: "slab" },
  setup: on(0, tune(2, 2, 0), noFreeSlabs, alloc("a", 6), vectorOf("a.4", "a.1"), free("a.4-5")),
  contexts: [task("A", 0, free("a.0"))],
};
