// SPDX-License-Identifier: GPL-2.0-only
import type { SlabObjExts } from "../../caches/memcg/slab-obj-exts.ts";
import { onGroups } from "../../kernel/group-classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, enter, free, group, leave } from "../../laboratory/steps.ts";
import type { PagePtr } from "../../pages/page.ts";
import { bug } from "../exhibit.ts";

export const R26 = bug({
  id: "R26",
  title: "mm/slab: initialize slab->stride early to avoid memory ordering issues",
  commit: "e9217ca77dc3",
  year: 2026,
  verification: "V2",
  needs: "X",
  story: [
    "The distance of a vector's entries was written after the vector was published.",
    "Another CPU finds the vector and the old distance, and enters its object in the place of another.",
    "The distance is written when the slab is made, before any other CPU can see it.",
  ],
  expect: ["counter-drift", "bad-access"],
  change: onGroups<typeof SlabObjExts>(
    (Groups) =>
      class extends Groups {
        override slabMade(): void {}

        protected override publish(page: PagePtr, data: number): boolean {
          const isPublished = super.publish(page, data);
          if (isPublished) this.setStride(page);
          return isPublished;
        }
      },
  ),
  retypes: {},
  scenario: {
    name: "two-charge-first",
    story: "Two CPUs charge the first objects of one slab.",
    machine: { cpus: 2, kernel: "7.1" },
    setup: [
      ...on(0, group("g", 8), alloc("a", 4), free("a.2-3"), free("a.0")),
      ...on(1, free("a.1")),
    ],
    contexts: [
      task("A", 0, [enter("g"), alloc("x"), leave()]),
      task("B", 1, [enter("g"), alloc("y"), leave()]),
    ],
  },
  class: "counter-drift",
  preemptions: 1,
});
