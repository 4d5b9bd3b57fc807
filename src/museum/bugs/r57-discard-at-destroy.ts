// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, destroy, flush, free } from "../../laboratory/steps.ts";
import type { PagePtr } from "../../pages/page.ts";
import { Page } from "../../pages/page.ts";
import { inuseOf } from "../../slub/counters.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const R57 = bug({
  id: "R57",
  title: "mm/slub.c: run free_partial() outside of the kmem_cache_node->list_lock",
  commit: "6039892396d8",
  year: 2016,
  verification: "V3",
  needs: "0",
  story: [
    "The destruction of a cache gave its empty slabs back with list_lock held.",
    "Giving a slab back may allocate, for debug objects say, and comes to a list_lock again.",
    "The slabs are collected under the lock and given back after it is dropped.",
  ],
  expect: ["deadlock"],
  change: onSlub((classes) => ({
    CacheLifetime: class extends classes.CacheLifetime {
      protected override freePartial(s: KmemCachePtr, n: KmemCacheNodePtr): void {
        const { nodePartial, debugging, slabPages } = this.parts;
        const flags = nodePartial.lockIrqsave(n);
        for (let page: PagePtr = nodePartial.first(n); page !== 0; ) {
          const next = nodePartial.next(n, page);
          if (inuseOf(this.memory.readOnce(page + Page.counters)) === 0) {
            nodePartial.remove(n, page);
            slabPages.discard(s, page);
          } else {
            debugging.listRemaining(s, page);
          }
          page = next;
        }
        nodePartial.unlockIrqrestore(n, flags);
      }
    },
  })),
  retypes: { "CacheLifetime.freePartial": "3bb67c44" },
  scenario: {
    name: "destroy-empty-slab",
    story: "A cache is destroyed that keeps an empty slab.",
    machine: {},
    setup: on(0, alloc("a", 4), flush(), free("a")),
    contexts: [task("A", 0, destroy())],
  },
  class: "deadlock",
  preemptions: 0,
});
