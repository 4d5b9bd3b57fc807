// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free, minFree } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import { OBJ_PFMEMALLOC } from "../../slab/array-cache.ts";
import { ArrayCache, entryAt, type KmemCachePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";

export const S32 = bug({
  id: "S32",
  title: "slab: a freed object of the reserves is not marked (no set_obj_pfmemalloc)",
  needs: "0",
  story: [
    "An object of a slab that was made of the reserves is put into its CPU's array without the mark.",
    "The next request gets it, whoever asks, and those that free memory find none when they need one.",
    "Whoever puts an object into an array marks it.",
  ],
  expect: ["wrong-slab"],
  change: onSlab((classes) => ({
    Allocator: class extends classes.Allocator {
      override free(s: KmemCachePtr, page: PagePtr, object: Address): void {
        super.free(s, page, object);
        const { memory, context } = this;
        const ac = context.cpuArray(s);
        const newest = entryAt(ac, memory.read32(ac + ArrayCache.avail) - 1);
        memory.write32(newest, memory.read32(newest) & ~OBJ_PFMEMALLOC);
      }
    },
  })),
  scenario: {
    name: "slab-mark-at-free",
    story: "An object of the reserves comes back, and an ordinary request follows it.",
    machine: { allocator: "slab", cpus: 2 },
    setup: on(0, minFree(65_536), alloc("a", 4, -1, "memalloc")),
    contexts: [
      task("A", 0, free("a.0"), alloc("x", 1, -1, "ordinary")),
      task("B", 1, alloc("y", 1, -1, "memalloc"), free("y")),
    ],
  },
  class: "wrong-slab",
  preemptions: 0,
});
