// SPDX-License-Identifier: GPL-2.0-only
/**
 * Whole batches between arrays and slabs, for direct memory: refill.ts, flush.ts and free-block.ts with
 * the words of the memory in hand, where those make a few calls for each object. Objects of one slab that
 * lie side by side in an array go home together: the slab changes its place in the lists once.
 */
import type { DirectMemory } from "../machine/direct-memory.ts";
import { LIST_POISON } from "../machine/list.ts";
import type { Address } from "../machine/memory.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import { OBJ_PFMEMALLOC } from "./array-cache.ts";
import { FreeBlock } from "./free-block.ts";
import type { SlabClasses } from "./kernels.ts";
import { LISTALLOCS } from "./statistics.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  ENTRY,
  KmemCache,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "./structs.ts";

// Local names: see machine/inlining.ts.
const AVAIL = ArrayCache.avail;
const PAGE_ACTIVE = Page.counters;
const PAGE_FREELIST = Page.freelist;
const PAGE_S_MEM = Page.sMem;
const PAGE_LRU = Page.lru;
const PREVIOUS = 4;
const SLABS_PARTIAL = KmemCacheNode.slabsPartial;
const CACHE_NUM = KmemCache.num;
const CACHE_SIZE = KmemCache.size;

/** What the batches do themselves: they are right only where no class of the table has it otherwise. */
export const BATCHES_WRITTEN_OUT = {
  IndexArray: ["active", "indexOf", "numberAt", "objectAt", "put", "setNumber", "take"],
  FreeBlock: ["putBack"],
} as const;

export function withDirectBatches(classes: SlabClasses): Partial<SlabClasses> {
  const both = {
    NodeLists: class extends classes.NodeLists {
      declare protected readonly memory: DirectMemory;

      override remove(n: KmemCacheNodePtr, page: PagePtr): void {
        const { words } = this.memory;
        const entry = page + PAGE_LRU;
        const next = words[entry >> 2] as number;
        const previous = words[(entry + PREVIOUS) >> 2] as number;
        const isLinked = words[(next + PREVIOUS) >> 2] === entry && words[previous >> 2] === entry;
        if (!isLinked || words[(page + PAGE_ACTIVE) >> 2] === 0) {
          super.remove(n, page);
          return;
        }
        words[(next + PREVIOUS) >> 2] = previous;
        words[previous >> 2] = next;
        words[entry >> 2] = LIST_POISON;
        words[(entry + PREVIOUS) >> 2] = LIST_POISON;
      }

      override addPartialTail(n: KmemCacheNodePtr, page: PagePtr): void {
        const { words } = this.memory;
        const entry = page + PAGE_LRU;
        const head = n + SLABS_PARTIAL;
        const last = words[(head + PREVIOUS) >> 2] as number;
        if (words[last >> 2] !== head) {
          super.addPartialTail(n, page);
          return;
        }
        words[(head + PREVIOUS) >> 2] = entry;
        words[entry >> 2] = head;
        words[(entry + PREVIOUS) >> 2] = last;
        words[last >> 2] = entry;
      }
    },
    Refill: class extends classes.Refill {
      declare protected readonly memory: DirectMemory;

      protected override takeFromSlab(
        s: KmemCachePtr,
        page: PagePtr,
        ac: ArrayCachePtr,
        batch: number,
      ): number {
        const { words, bytes } = this.memory;
        const active = words[(page + PAGE_ACTIVE) >> 2] as number;
        const count = Math.min(batch, (words[(s + CACHE_NUM) >> 2] as number) - active);
        const size = words[(s + CACHE_SIZE) >> 2] as number;
        const first = words[(page + PAGE_S_MEM) >> 2] as number;
        const numbers = (words[(page + PAGE_FREELIST) >> 2] as number) + active;
        const avail = words[(ac + AVAIL) >> 2] as number;
        const entries = ((ac + ENTRY) >> 2) + avail;
        for (let i = 0; i < count; i++) {
          words[entries + i] = first + Math.imul(bytes[numbers + i] as number, size);
        }
        words[(page + PAGE_ACTIVE) >> 2] = active + count;
        words[(ac + AVAIL) >> 2] = avail + count;
        this.context.stat(s, LISTALLOCS, count);
        return batch - count;
      }
    },
  };
  // Since Linux 4.7 slabs go after all objects are home, and an array may lie in the first of them.
  if (classes.FreeBlock !== FreeBlock) return both;
  return {
    ...both,
    FreeBlock: class extends classes.FreeBlock {
      declare protected readonly memory: DirectMemory;

      override free(s: KmemCachePtr, n: KmemCacheNodePtr, objects: readonly Address[]): PagePtr[] {
        const { words } = this.memory;
        const slabsToFree: PagePtr[] = [];
        for (let from = 0; from < objects.length; ) {
          const page = this.context.pages.virtToHeadPage(objects[from] as Address);
          this.lists.remove(n, page);
          const count = this.putRunBack(s, page, objects, from);
          this.lists.addCount(n, KmemCacheNode.freeObjects, count);
          from += count;
          if (words[(page + PAGE_ACTIVE) >> 2] !== 0) {
            this.lists.addPartialTail(n, page);
          } else if (this.isOverLimit(n)) {
            this.lists.forget(s, n);
            slabsToFree.push(page);
          } else {
            this.lists.addFree(n, page);
          }
        }
        return slabsToFree;
      }

      /** Objects from number `from` on, as far as they are the slab's and it has any out; says how many. */
      private putRunBack(
        s: KmemCachePtr,
        page: PagePtr,
        objects: readonly Address[],
        from: number,
      ): number {
        const { words, bytes } = this.memory;
        const { pages } = this.context;
        const size = words[(s + CACHE_SIZE) >> 2] as number;
        const first = words[(page + PAGE_S_MEM) >> 2] as number;
        const numbers = words[(page + PAGE_FREELIST) >> 2] as number;
        let active = words[(page + PAGE_ACTIVE) >> 2] as number;
        let to = from;
        do {
          // clear_obj_pfmemalloc
          const object = (objects[to++] as Address) & ~OBJ_PFMEMALLOC;
          bytes[numbers + --active] = Math.floor((object - first) / size);
        } while (
          active > 0 &&
          to < objects.length &&
          pages.virtToHeadPage(objects[to] as Address) === page
        );
        words[(page + PAGE_ACTIVE) >> 2] = active;
        return to - from;
      }
    },
  };
}
