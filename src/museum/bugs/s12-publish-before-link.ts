// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";
import { TWO_OWNERS } from "../two-owners.ts";

export const S12 = bug({
  id: "S12",
  title: "the next pointer is stored after the head is published",
  needs: "X",
  story: [
    "A freed object becomes the head of the list before it is linked to the rest.",
    "Another CPU takes the list in between and follows an outdated pointer to objects in use.",
    "The object is linked first and published second.",
  ],
  expect: TWO_OWNERS,
  change: onSlub((classes) => ({
    SlowFree: class extends classes.SlowFree {
      // biome-ignore lint/complexity/useMaxParams: overrides SlowFree.push
      protected override push(
        s: KmemCachePtr,
        page: PagePtr,
        head: Address,
        tail: Address,
        prior: Address,
        counters: number,
        newCounters: number,
      ): boolean {
        if (!this.pageSwap.swapIrqSafe(s, page, prior, counters, head, newCounters)) return false;
        this.freePointers.set(s, tail, prior);
        return true;
      }
    },
  })),
  retypes: { "SlowFree.push": "2712f966" },
  scenario: {
    name: "remote-free-refill",
    story: "One CPU frees into the cpu slab of another, which allocates.",
    machine: { cpus: 2 },
    setup: on(1, alloc("a", 4)),
    contexts: [task("A", 0, free("a.0")), task("B", 1, alloc("x"), alloc("y"))],
  },
  class: "double-allocation",
  preemptions: 1,
});
