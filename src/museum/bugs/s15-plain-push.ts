// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { twoFullSlabs } from "../../laboratory/scenarios/two-full-slabs.ts";
import type { PagePtr } from "../../pages/page.ts";
import { bug } from "../exhibit.ts";
import { TWO_OWNERS } from "../two-owners.ts";

/** R08 with the widest window: nothing is compared. */
export const S15 = bug({
  id: "S15",
  title: "a plain store pushes on the cpu partial list",
  needs: "S",
  story: [
    "A plain store pushes on the cpu partial list.",
    "A slab that an interrupt pushed after the head was read is dropped.",
    "The push compares and swaps, safe against interrupts.",
  ],
  // A drain in between leaves slabs on a node's list and on the CPU's.
  expect: TWO_OWNERS,
  change: onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override push(partial: number, _head: PagePtr, page: PagePtr): boolean {
        this.memory.writeOnce(this.memory.thisCpuPtr(partial), page);
        return true;
      }
    },
  })),
  retypes: { "CpuPartial.push": "75d0e35d" },
  scenario: twoFullSlabs,
  class: "stuck-frozen-slab",
  preemptions: 1,
});
