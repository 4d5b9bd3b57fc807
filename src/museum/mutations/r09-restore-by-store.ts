/**
 * A slab that goes from the node to the cpu partial list has its free list taken and put back by a
 * plain store. What another CPU frees into it in between (no lock, it is frozen) is overwritten.
 */
import { onSlub } from "../../kernel/classes.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { freeOf, withFrozen } from "../../slub/counters.ts";
import type { Acquired } from "../../slub/cpu-slab/partial-search.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R09: Mutation = {
  id: "R09",
  title: "slub: fix a memory leak in get_partial_node()",
  commit: "02d7633fa567",
  year: 2012,
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
};
