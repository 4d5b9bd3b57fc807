// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free, minFree } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import { reservesOf } from "../../pages/with-reserves.ts";
import { OBJ_PFMEMALLOC } from "../../slab/array-cache.ts";
import type { KmemCachePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";

export const S33 = bug({
  id: "S33",
  title: "slab: an entry is handed out with its mark (no clear_obj_pfmemalloc)",
  needs: "0",
  story: [
    "The mark is the lowest bit of an entry, and a request that may use the reserves gets the entry as it is.",
    "Its user holds an address that is one byte too high.",
    "Whoever takes an entry out of an array clears the mark.",
  ],
  expect: ["bad-access"],
  change: onSlab((classes) => ({
    Refill: class extends classes.Refill {
      override allocate(s: KmemCachePtr, gfp: number): Address {
        const object = super.allocate(s, gfp);
        const { pages } = this.context;
        const isMarked = object !== 0 && reservesOf(pages)?.isReserve(pages.virtToHeadPage(object));
        return isMarked ? object | OBJ_PFMEMALLOC : object;
      }
    },
  })),
  scenario: {
    name: "slab-mark-at-take",
    story: "An object of the reserves is taken, given back and taken again.",
    machine: { allocator: "slab", cpus: 2 },
    setup: on(0, minFree(65_536)),
    contexts: [
      task("A", 0, alloc("x", 1, -1, "memalloc"), free("x"), alloc("y", 1, -1, "memalloc")),
      task("B", 1, alloc("z", 1, -1, "ordinary")),
    ],
  },
  class: "bad-access",
  preemptions: 0,
});
