// SPDX-License-Identifier: GPL-2.0-only
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
    "A cache that is to keep no slab has its limits set to 0, and then every CPU is flushed.",
    "A free that pushes its slab after that flush leaves it there for ever.",
    "A free reads the limit once more after its push and drains the list itself.",
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
