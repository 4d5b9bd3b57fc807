// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { freeGetPartial } from "../../laboratory/scenarios/free-get-partial.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { freeOf, withFrozen } from "../../slub/counters.ts";
import type { Acquired } from "../../slub/cpu-slab/partial-search.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const R09 = bug({
  id: "R09",
  title: "slub: fix a memory leak in get_partial_node()",
  commit: "02d7633fa567",
  year: 2012,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "A search took the free list of every slab it acquired, and put the list back if the slab only went to the cpu partial list.",
    "Another CPU frees into the slab in between (it is frozen, so no lock is needed), and the plain store that puts the old list back overwrites that free.",
    "The search takes the free list only of the slab it allocates from.",
  ],
  expect: ["lost-object", "counter-drift", "use-after-free"],
  change: onSlub((classes) => ({
    PartialSearch: class extends classes.PartialSearch {
      protected override acquireSlab(
        s: KmemCachePtr,
        n: KmemCacheNodePtr,
        page: PagePtr,
      ): Acquired {
        const { memory } = this;
        const { pageSwap, nodePartial } = this.parts;
        const freelist = memory.readOnce(page + Page.freelist);
        const counters = memory.readOnce(page + Page.counters);
        if (!pageSwap.swap(s, page, freelist, counters, 0, withFrozen(counters, true))) {
          return { freelist: 0, objects: 0 };
        }
        nodePartial.remove(n, page);
        memory.writeOnce(page + Page.freelist, freelist);
        return { freelist, objects: freeOf(counters) };
      }
    },
  })),
  retypes: { "PartialSearch.acquireSlab": "53a0856d" },
  scenario: freeGetPartial,
  class: "counter-drift",
  preemptions: 1,
});
