// SPDX-License-Identifier: GPL-2.0-only
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
    "A tid with three bits for its count wraps after eight operations.",
    "An interrupt that makes exactly eight operations and leaves the same head is not noticed: the ABA problem of R07 again, only rarer.",
    "The count of the real tid wraps after 67 million operations.",
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
