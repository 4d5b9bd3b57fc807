import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free } from "../../laboratory/steps.ts";

export const allocFlushAll: SlabScenario = {
  name: "alloc-flush-all",
  story: "One CPU flushes all while another is in its fast path.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a"), free("a")),
  contexts: [task("A", 0, alloc("x")), task("B", 1, flush())],
};
