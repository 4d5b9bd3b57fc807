import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, free, keepNone } from "../../laboratory/steps.ts";

export const keepsNone: SlabScenario = {
  name: "keeps-none",
  story: "A cache is told to keep no slab while another CPU frees a slab's objects.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 8), free("a.4-7")),
  contexts: [task("A", 0, keepNone()), task("B", 1, free("a.0-3"))],
  endsEmpty: "by itself",
};
