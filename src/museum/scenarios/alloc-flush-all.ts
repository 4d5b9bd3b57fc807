import { on, type SlabScenario, task } from "../../explore/scenario/scenario.ts";
import { alloc, flush, free } from "../../explore/scenario/steps.ts";

export const allocFlushAll: SlabScenario = {
  name: "alloc-flush-all",
  story: "One CPU flushes all while another is in its fast path.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a"), free("a")),
  contexts: [task("A", 0, alloc("x")), task("B", 1, flush())],
};
