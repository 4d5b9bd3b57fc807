// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free, tune } from "../../laboratory/steps.ts";
import { dropOldest } from "../../slab/array-cache.ts";
import type { ArrayCachePtr, KmemCachePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";
import { noFreeSlabs, vectorOf, withVectors } from "../slab-vectors.ts";

export const R29 = bug({
  id: "R29",
  title: "mm: slab: fix potential double free in ___cache_free",
  commit: "678ff6a7afcc",
  year: 2020,
  verification: "V3",
  needs: "0",
  story: [
    "A flush of a SLAB queue destroyed empty slabs before it lowered avail.",
    "Destroying a slab frees an object to the same queue, which is still full and is flushed again, with the same entries.",
    "avail is lowered first.",
  ],
  base: withVectors,
  expect: [
    "double-free",
    "double-allocation",
    "counter-drift",
    "list-corruption",
    "lost-object",
    "use-after-free",
  ],
  change: onSlab((form) => ({
    Flush: class extends form.Flush {
      protected override leave(
        s: KmemCachePtr,
        ac: ArrayCachePtr,
        count: number,
        emptied: number[],
      ): void {
        this.slabPages.destroyAll(s, emptied);
        dropOldest(this.memory, ac, count);
      }
    },
  })),
  retypes: { "Flush.leave": "f348811c" },
  scenario: {
    name: "slab-destroy-vector",
    story: "A full array is flushed; the slab that this empties holds an object of the same cache.",
    machine: { allocator: "slab" },
    setup: on(0, tune(2, 2, 0), noFreeSlabs, alloc("a", 6), vectorOf("a.4", "a.1"), free("a.4-5")),
    contexts: [task("A", 0, free("a.0"))],
  },
  class: "list-corruption",
  preemptions: 0,
});
