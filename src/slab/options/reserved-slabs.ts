// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB over reserves, since Linux 4.6: a slab that was made of the last pages keeps its objects. Arrays
 * are filled from other slabs, and what is freed goes home past the array; a request that may use the
 * reserves gets one object straight from such a slab before the cache grows. Where a node has more free
 * objects than it is to keep, the reserve is no longer needed, and the slab is like any other.
 *
 * Two ways lead around this, as in Linux. The rest of a new slab fills the array of the CPU that had it
 * made, and any task of that CPU takes objects there. Objects that are freed on another node come back by
 * way of the shared array.
 */
import { listAddTail, listDel, listNext } from "../../machine/list.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { Reserves } from "../../pages/reserves.ts";
import { reservesOf } from "../../pages/with-reserves.ts";
import type { SlabClasses } from "../kernels.ts";
import type { RefillUnlocked } from "../refill-unlocked.ts";
import type { SlabContext } from "../slab-context.ts";
import { FREEHIT, FREEMISS } from "../statistics.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../structs.ts";

function reservesIn({ pages }: SlabContext): Reserves {
  return reservesOf(pages) as Reserves;
}

export function withReservedSlabs(classes: SlabClasses): Partial<SlabClasses> {
  return {
    NodeLists: class extends classes.NodeLists {
      /** get_valid_first_slab */
      override firstWithFree(n: KmemCacheNodePtr, mayUseReserves = false): PagePtr {
        const { memory } = this;
        const reserves = reservesIn(this.context);
        const first = super.firstWithFree(n);
        if (first === 0 || mayUseReserves || !reserves.isReserve(first)) return first;
        const free = memory.read32(n + KmemCacheNode.freeObjects);
        if (free > memory.read32(n + KmemCacheNode.freeLimit)) {
          reserves.unmark(first);
          return first;
        }
        const [partialHead, , freeHead] = this.heads(n);
        // Behind the others, so that the next search is short.
        listDel(memory, first + Page.lru);
        const isEmpty = this.indexes.active(first) === 0;
        listAddTail(memory, first + Page.lru, isEmpty ? freeHead : partialHead);
        const partial = this.firstForAll(partialHead);
        if (partial !== 0) return partial;
        memory.writeOnce(n + KmemCacheNode.freeTouched, 1);
        return this.firstForAll(freeHead);
      }

      private firstForAll(head: Address): PagePtr {
        const { memory } = this;
        for (let at = listNext(memory, head); at !== head; at = listNext(memory, at)) {
          if (!reservesIn(this.context).isReserve(at - Page.lru)) return at - Page.lru;
        }
        return 0;
      }
    },
    Refill: class extends (classes.Refill as typeof RefillUnlocked) {
      protected override grown(
        s: KmemCachePtr,
        gfp: number,
        nid: number,
        empty: ArrayCachePtr,
      ): ArrayCachePtr {
        const isServed = reservesIn(this.context).allows(gfp) && this.takeReserved(s, nid, empty);
        return isServed ? empty : super.grown(s, gfp, nid, empty);
      }

      /** cache_alloc_pfmemalloc: one object, which the caller takes out of the array at once. */
      private takeReserved(s: KmemCachePtr, nid: number, ac: ArrayCachePtr): boolean {
        const { lists } = this;
        const n = this.context.nodeOf(s, nid);
        lists.lock(n);
        const page = lists.firstWithFree(n, true);
        if (page !== 0) {
          lists.remove(n, page);
          this.takeFromSlab(s, page, ac, 1);
          lists.addCount(n, KmemCacheNode.freeObjects, -1);
          lists.addTaken(s, n, page);
        }
        lists.unlock(n);
        return page !== 0;
      }
    },
    Bulk: class extends classes.Bulk {
      /** Each by itself. */
      protected override push(_s: KmemCachePtr, from: number): number {
        return from;
      }
    },
    Allocator: class extends classes.Allocator {
      override free(s: KmemCachePtr, page: PagePtr, object: Address): void {
        const { context, memory } = this;
        if (this.isAlien(page) || !reservesIn(context).isReserve(page)) {
          super.free(s, page, object);
          return;
        }
        const ac = context.cpuArray(s);
        const isFull = memory.read32(ac + ArrayCache.avail) >= memory.read32(ac + ArrayCache.limit);
        context.stat(s, isFull ? FREEMISS : FREEHIT);
        if (isFull) this.flush.flush(s, ac);
        // cache_free_pfmemalloc
        const slabsToFree = this.aliens.freeHome(s, object, context.pages.pageToNid(page));
        this.slabPages.destroyAll(s, slabsToFree);
      }
    },
  };
}
