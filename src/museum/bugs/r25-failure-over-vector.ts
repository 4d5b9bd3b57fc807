// SPDX-License-Identifier: GPL-2.0-only
import type { SlabObjExts } from "../../caches/memcg/slab-obj-exts.ts";
import { onGroups } from "../../kernel/group-classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, enter, failSlab, free, group, leave } from "../../laboratory/steps.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { bug } from "../exhibit.ts";

const ALLOC_FAIL = 2;

export const R25 = bug({
  id: "R25",
  title: "slab: Avoid race on slab->obj_exts in alloc_slab_obj_exts",
  commit: "6ed8bfd24ce1",
  year: 2025,
  verification: "V3",
  needs: "X",
  story: [
    "A CPU that found no memory for a slab's vector marked the slab by a plain store.",
    "Another CPU had published a vector meanwhile; the mark overwrites it, and its entries are lost.",
    "The mark is a compare-and-swap that a vector makes fail.",
  ],
  expect: ["counter-drift", "bad-access"],
  change: onGroups<typeof SlabObjExts>(
    (Groups) =>
      class extends Groups {
        protected override vectorFailed(page: PagePtr): boolean {
          this.memory.writeOnce(page + Page.memcgData, ALLOC_FAIL);
          return false;
        }
      },
  ),
  retypes: { "Groups.vectorFailed": "7cd52acc" },
  scenario: {
    name: "vector-fails",
    story: "Two CPUs charge the first objects of one slab, and one finds no memory for the vector.",
    machine: { cpus: 2, kernel: "7.1" },
    setup: [
      ...on(0, group("g", 8), alloc("a", 4), free("a.0")),
      ...on(1, free("a.1"), failSlab(4)),
    ],
    contexts: [
      task("A", 0, [enter("g"), alloc("x"), leave()]),
      task("B", 1, [enter("g"), alloc("y"), leave()]),
    ],
  },
  class: "counter-drift",
  preemptions: 1,
});
