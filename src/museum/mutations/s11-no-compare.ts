/**
 * A free that finds its slab full stores the new state without comparing: of two such frees both
 * freeze the slab and both put it on their CPU's list, and one of the objects is overwritten.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { isFrozen } from "../../slub/counters.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";
import { TWO_OWNERS } from "./two-owners.ts";

export const S11: Mutation = {
  id: "S11",
  title: "no second look before a slab changes lists",
  commit: null,
  year: null,
  expect: TWO_OWNERS,
  change: onSlub((classes) => ({
    SlowFree: class extends classes.SlowFree {
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
};
