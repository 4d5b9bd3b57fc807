// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free, minFree } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const S31 = bug({
  id: "S31",
  title: "slub: the cpu slab is used on whatever pages it was made of (no pfmemalloc_match)",
  needs: "X",
  story: [
    "A task that may use the reserves leaves a slab of them behind as cpu slab, and another CPU frees an object of it.",
    "An ordinary task on that CPU comes to the slow path and takes the object, which was kept for those that free memory.",
    "The slow path gives such a slab up where the request may not use the reserves.",
  ],
  expect: ["wrong-slab"],
  change: onSlub((classes) => ({
    SlowAllocation: class extends classes.SlowAllocation {
      protected override matches(page: number, node: number): boolean {
        return this.nodeMatches(page, node);
      }
    },
  })),
  retypes: { "SlowAllocation.matches": "3068a989" },
  scenario: {
    name: "reserved-cpu-slab",
    story:
      "A CPU whose slab is of the reserves serves an ordinary task while an object comes back.",
    machine: { cpus: 2 },
    setup: on(0, minFree(65_536), alloc("a", 4, -1, "memalloc")),
    contexts: [task("A", 0, alloc("x", 1, -1, "ordinary")), task("B", 1, free("a.0"))],
  },
  class: "wrong-slab",
  preemptions: 0,
});
