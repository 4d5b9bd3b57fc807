/**
 * A slab that goes from the node to the cpu partial list has its free list taken and put back by a
 * plain store. What another CPU frees into it in between (no lock, it is frozen) is overwritten.
 */
import { onSlub } from "../../kernel/classes.ts";
import { freeGetPartial } from "../../laboratory/scenarios/free-get-partial.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { freeOf, withFrozen } from "../../slub/counters.ts";
import type { Acquired } from "../../slub/node-partial.ts";
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
    "Every slab taken from a node's list had its free list taken, too, and put back where it only went to the cpu partial list.",
    "Another CPU frees into it in between, and the plain store that puts the old list back wipes that out.",
    "The list stays where it is unless it is wanted.",
  ],
  expect: ["lost-object", "counter-drift", "use-after-free"],
  change: onSlub((classes) => ({
    NodePartial: class extends classes.NodePartial {
      override acquire(
        s: KmemCachePtr,
        n: KmemCacheNodePtr,
        page: PagePtr,
        forAllocation: boolean,
      ): Acquired {
        if (forAllocation) return super.acquire(s, n, page, true);
        const { memory } = this;
        const freelist = memory.readOnce(page + Page.freelist);
        const counters = memory.readOnce(page + Page.counters);
        if (!this.pageSwap.swap(s, page, freelist, counters, 0, withFrozen(counters, true))) {
          return { freelist: 0, objects: 0 };
        }
        this.remove(n, page);
        memory.writeOnce(page + Page.freelist, freelist);
        return { freelist, objects: freeOf(counters) };
      }
    },
  })),
  retypes: { "NodePartial.acquire": "54f9bd29" },
  scenario: freeGetPartial,
  class: "counter-drift",
  preemptions: 1,
});
