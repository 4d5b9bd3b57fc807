/**
 * The swap of a fast path compares the head alone. An interrupt that takes two objects and gives the
 * first back leaves the same head with another next pointer: the swap succeeds, and the second
 * object, in use, heads the list (ABA). The first lockless fast path was like this.
 */
import { onSlub } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";
import { TWO_OWNERS } from "../two-owners.ts";

export const R07 = bug({
  id: "R07",
  alias: "S01",
  title: 'Revert "SLUB: Alternate fast paths using cmpxchg_local"',
  commit: "00e962c5408b",
  year: 2008,
  verification: "V2",
  needs: "S",
  story: [
    "The first lockless fast path compared the list's head alone.",
    "An interrupt takes two objects and gives the first back: the head is the same, its next pointer is not, and an object in use goes out again.",
    "It was reverted; three years later head and tid were swapped as one, which is why there is a tid.",
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
