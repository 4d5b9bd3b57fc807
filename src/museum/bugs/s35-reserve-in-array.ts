// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free, minFree } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import { pushObject } from "../../slab/array-cache.ts";
import type { KmemCachePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";

export const S35 = bug({
  id: "S35",
  title: "slab: an object of a reserved slab is freed to the array (no cache_free_pfmemalloc)",
  needs: "0",
  story: [
    "Since Linux 4.6 entries have no marks, and an object of the reserves comes into its CPU's array by a free.",
    "The next request gets it, whoever asks.",
    "An object of such a slab goes home past the array.",
  ],
  expect: ["wrong-slab"],
  change: onSlab((classes) => ({
    Allocator: class extends classes.Allocator {
      override free(s: KmemCachePtr, page: PagePtr, object: Address): void {
        if (this.isAlien(page)) super.free(s, page, object);
        else pushObject(this.memory, this.context.cpuArray(s), object);
      }
    },
  })),
  scenario: {
    name: "slab-reserve-at-free",
    story:
      "All objects of a reserved slab are out; one comes back, and an ordinary request follows.",
    machine: { allocator: "slab", cpus: 2, kernel: "6.1" },
    setup: on(0, minFree(65_536), alloc("a", 4, -1, "memalloc")),
    contexts: [
      task("A", 0, free("a.0"), alloc("x", 1, -1, "ordinary")),
      task("B", 1, alloc("y", 1, -1, "memalloc"), free("y")),
    ],
  },
  class: "wrong-slab",
  preemptions: 0,
});
