// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, flushCpu, free } from "../../laboratory/steps.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { Page, type PagePtr, PG_NODE_MASK, PG_NODE_SHIFT } from "../../pages/page.ts";
import { bug } from "../exhibit.ts";

export const R05 = bug({
  id: "R05",
  title: "mm/slub: fix panic in slab_alloc_node()",
  commit: "22e4663e9168",
  year: 2020,
  verification: "V3",
  needs: "S",
  story: [
    "The fast path looked up the node of c->page before anything had validated that there is a page.",
    "A flush between two reads of the fast path empties the cpu slab, and NULL is followed before tid is compared.",
    "A missing page goes to the slow path; the test was added in 2013, removed in 2019 and added again in 2020.",
  ],
  expect: ["bad-access"],
  change: onSlub((classes) => ({
    Allocator: class extends classes.Allocator {
      protected override nodeMatch(page: PagePtr, node: number): boolean {
        if (node === NUMA_NO_NODE) return true;
        return ((this.memory.read32(page + Page.flags) >>> PG_NODE_SHIFT) & PG_NODE_MASK) === node;
      }
    },
  })),
  retypes: { "Allocator.nodeMatch": "b754a12d" },
  scenario: {
    name: "flush-interrupt",
    story: "A flush of the CPU comes in the middle of an allocation that names its node.",
    machine: {},
    setup: on(0, alloc("a"), free("a")),
    contexts: [task("A", 0, alloc("x", 1, 0)), interrupt("IPI", 0, flushCpu())],
  },
  class: "bad-access",
  preemptions: 1,
});
