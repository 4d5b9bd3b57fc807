// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";
import { TWO_OWNERS } from "../two-owners.ts";

/** The ABA problem: the list changed and came back to the same head. */
export const R07 = bug({
  id: "R07",
  alias: "S01",
  title: 'Revert "SLUB: Alternate fast paths using cmpxchg_local"',
  commit: "00e962c5408b",
  year: 2008,
  verification: "V2",
  needs: "S",
  story: [
    "The first lockless fast path compared only the head of the list.",
    "An interrupt takes two objects and gives the first back: the head is the same, its next pointer is not, and an object in use is handed out again.",
    "The commit was reverted; three years later the head was swapped together with tid, which is why there is a tid.",
  ],
  expect: TWO_OWNERS,
  change: onSlub((classes) => ({
    Allocator: class extends classes.Allocator {
      protected override updateCpuFreelistFast(
        cpuSlab: number,
        head: number,
        _tid: number,
        newHead: number,
      ): boolean {
        return this.memory.thisCpuCmpxchg(cpuSlab, head, newHead) === head;
      }
    },
  })),
  retypes: { "Allocator.updateCpuFreelistFast": "b33d9235" },
  scenario: {
    name: "interrupt-alloc",
    story: "An interrupt takes two objects and gives the first back, anywhere in an allocation.",
    machine: {},
    setup: on(0, alloc("a"), free("a")),
    contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, [alloc("p"), alloc("q"), free("p")])],
  },
  class: "double-allocation",
  preemptions: 1,
});
