// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { twoFullSlabs } from "../../laboratory/scenarios/two-full-slabs.ts";
import type { PagePtr } from "../../pages/page.ts";
import { bug } from "../exhibit.ts";
import { TWO_OWNERS } from "../two-owners.ts";

export const R08 = bug({
  id: "R08",
  title: "slub: use irqsafe_cpu_cmpxchg for put_cpu_partial",
  commit: "42d623a8cd08",
  year: 2011,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "S",
  story: [
    "The push on the cpu partial list used the generic this_cpu_cmpxchg, which only disabled preemption.",
    "An interrupt pushes another slab between compare and store; that slab is dropped: frozen, with no owner.",
    "The push uses a variant that is safe against interrupts; on x86 the swap was one instruction, so the bug did not show there.",
  ],
  // A drain in between leaves slabs on a node's list and on the CPU's.
  expect: TWO_OWNERS,
  change: onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override push(partial: number, head: PagePtr, page: PagePtr): boolean {
        const { memory } = this;
        if (memory.thisCpuRead(partial) !== head) return false;
        memory.writeOnce(memory.thisCpuPtr(partial), page);
        return true;
      }
    },
  })),
  retypes: { "CpuPartial.push": "75d0e35d" },
  scenario: twoFullSlabs,
  class: "stuck-frozen-slab",
  preemptions: 1,
});
