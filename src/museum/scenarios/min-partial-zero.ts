import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free } from "../../laboratory/steps.ts";

export const minPartialZero: SlabScenario = {
  name: "min-partial-zero",
  story: "A cache whose nodes are to keep no slab is emptied and flushed.",
  machine: { minPartial: 0 },
  setup: on(0, alloc("a", 8)),
  contexts: [task("A", 0, free("a"), flush())],
  endsEmpty: "by itself",
};
