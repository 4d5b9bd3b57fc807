// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, failPage, flush, free, mems } from "../../laboratory/steps.ts";
import { KmemCache } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const R59 = bug({
  id: "R59",
  title: "cpuset,mm: fix no node to alloc memory when changing cpuset's mems",
  commit: "c0ff7453bb5c",
  year: 2010,
  verification: "V3",
  needs: "X",
  story: [
    "A task looks at node after node, and another task changes meanwhile which of them it may use.",
    "Each node is looked at while it is not allowed, and a task that may use one node all along gets no memory.",
    "The allowed nodes have a sequence count: a search that found nothing while it moved begins again.",
  ],
  expect: ["out-of-memory"],
  change: onSlub((classes) => ({
    PartialSearch: class extends classes.PartialSearch {
      protected override searchNodes(s: number, gfp: number, c: number): number {
        for (const nid of this.nodesInOrder()) {
          const n = this.context.nodeOf(s, nid);
          const least = this.memory.readOnce(s + KmemCache.minPartial);
          if (n === 0 || this.parts.nodePartial.nrPartial(n) <= least) continue;
          const object = this.getPartialNode(s, n, c, gfp);
          if (object !== 0) return object;
        }
        return 0;
      }
    },
  })),
  retypes: { "PartialSearch.searchNodes": "0544dac0" },
  scenario: {
    name: "mems-change",
    story:
      "A task that may use node 2 is moved to node 1 while it looks for a slab; there are no pages.",
    machine: { cpus: 3, nodes: 3, minPartial: 0, cpuPartial: 0 },
    setup: [
      ...on(1, alloc("a", 4, 1), flush(), free("a.0"), flush()),
      ...on(2, alloc("b", 4, 2), flush(), free("b.0"), flush()),
      ...on(0, failPage(1, 99), mems("A", 2)),
    ],
    contexts: [task("A", 0, alloc("x", 1, -1, "must")), task("B", 1, mems("A", 1))],
  },
  class: "out-of-memory",
  preemptions: 1,
});
