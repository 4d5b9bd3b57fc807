// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { isFrozen } from "../../slub/counters.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";
import { TWO_OWNERS } from "../two-owners.ts";

export const S11 = bug({
  id: "S11",
  title: "no second look before a slab changes lists",
  needs: "X",
  story: [
    "A free that found its slab full stores the new state without comparing.",
    "Two such frees both freeze the slab and list it, and one of the two objects is overwritten.",
    "The free compares and swaps.",
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
        if (prior !== 0 || isFrozen(counters)) {
          return super.push(s, page, head, tail, prior, counters, newCounters);
        }
        this.freePointers.set(s, tail, prior);
        this.memory.writeOnce(page + Page.freelist, head);
        this.memory.writeOnce(page + Page.counters, newCounters);
        return true;
      }
    },
  })),
  retypes: { "SlowFree.push": "2712f966" },
  scenario: {
    name: "one-slab-two-frees",
    story: "Two CPUs free objects of one full slab.",
    machine: { cpus: 2 },
    setup: on(0, alloc("a", 8)),
    contexts: [task("A", 0, free("a.0")), task("B", 1, free("a.1"))],
  },
  class: "counter-drift",
  preemptions: 1,
});
