/**
 * A cache that is to keep no slabs: cpu_partial and min_partial are set to 0, then every CPU is
 * flushed. A free that pushes its slab after the flush must look at the limit once more and drain
 * itself; and "has enough" must include having as many as wanted, or one empty slab stays for good.
 */
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free, keepNone } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const R40 = bug({
  id: "R40",
  title:
    "slub: make dead caches discard free slabs immediately (no look at cpu_partial after a push)",
  commit: "d6e0b7fa1186",
  year: 2015,
  verification: "V3-",
  needs: "X",
  story: [
    "A cache that is to keep no slab has its limits set to 0, and every CPU is flushed.",
    "A free that pushes its slab after that flush leaves it there for good.",
    "Whoever has pushed looks at the limit once more and drains itself.",
  ],
  expect: ["leaked-page"],
  change: onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override keepsNone(): boolean {
        return false;
      }
    },
  })),
  scenario: {
    name: "keeps-none",
    story: "A cache is told to keep no slab while another CPU frees a slab's objects.",
    machine: { cpus: 2 },
    setup: on(0, alloc("a", 8), free("a.4-7")),
    contexts: [task("A", 0, keepNone()), task("B", 1, free("a.0-3"))],
    endsEmpty: "by itself",
  },
  class: "leaked-page",
  preemptions: 0,
});
