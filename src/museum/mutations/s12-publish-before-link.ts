/**
 * The freed chain is published before it is linked to what was free: another CPU that takes the
 * list in between follows the pointer of an earlier life, to objects in use.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";
import { TWO_OWNERS } from "./two-owners.ts";

export const S12: Mutation = {
  id: "S12",
  title: "the next pointer is stored after the head is published",
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
        if (!this.pageSwap.swapIrqSafe(s, page, prior, counters, head, newCounters)) return false;
        this.freePointers.set(s, tail, prior);
        return true;
      }
    },
  })),
};
