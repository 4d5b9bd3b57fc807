/**
 * A tid that counts to eight: three bits of it are compared. Whoever is interrupted for exactly
 * eight operations that leave the same head finds the same tid (ABA again, only rarer).
 */
import { onSlub } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { KmemCacheCpu, TID_STEP } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";
import { TWO_OWNERS } from "../two-owners.ts";

const EVENTS = 8;
/** The bits of tid that name the CPU, and the three lowest that count. */
const COMPARED = TID_STEP * EVENTS - 1;

export const S02 = bug({
  id: "S02",
  title: "tid wraps after eight operations",
  needs: "S",
  story: [
    "A tid of three bits comes round after eight operations.",
    "An interrupt that makes exactly eight, and leaves the same head, is not noticed: ABA again.",
    "26 bits take 67 million operations.",
  ],
  expect: TWO_OWNERS,
  change: onSlub((classes) => ({
    Allocator: class extends classes.Allocator {
      protected override updateCpuFreelistFast(
        cpuSlab: number,
        head: number,
        tid: number,
        newHead: number,
      ): boolean {
        const now = this.memory.thisCpuRead(cpuSlab + KmemCacheCpu.tid);
        if (((now ^ tid) & COMPARED) !== 0) return false;
        return super.updateCpuFreelistFast(cpuSlab, head, now, newHead);
      }
    },
  })),
  scenario: {
    name: "tid-wrap",
    story: "An interrupt makes eight operations that leave the list's head as it was.",
    machine: {},
    setup: on(0, alloc("a"), free("a")),
    contexts: [
      task("A", 0, alloc("x")),
      interrupt("irq", 0, [
        alloc("p"),
        alloc("q"),
        alloc("r"),
        free("p"),
        alloc("p"),
        free("p"),
        alloc("p"),
        free("p"),
      ]),
    ],
  },
  class: "double-allocation",
  preemptions: 1,
});
