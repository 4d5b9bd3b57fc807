// SPDX-License-Identifier: GPL-2.0-only
/**
 * What goes between sheaves and slabs, for direct memory: refill.ts, flush.ts and slow-free.ts with
 * objects that go from word to word, where those build arrays of them. A chain of free objects is its
 * head, its tail and its length. Debug caches, and caches without the double swap, are left to the
 * methods that these override.
 *
 * A thread that is ended in the middle loses objects of a sheaf that nobody else knows of, as with the
 * others it loses those of an array.
 */
import { __CMPXCHG_DOUBLE, SLAB_DEBUG_FLAGS } from "../../caches/flags.ts";
import type { DirectMemory } from "../../machine/direct-memory.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, objectsOf, withInuse } from "../counters.ts";
import type { SheafClasses } from "../kernels.ts";
import { ADD_TO_HEAD } from "../node-partial.ts";
import { KmemCache, type KmemCacheNodePtr, type KmemCachePtr } from "../structs.ts";
import { LOOKAHEAD } from "./detached-freelist.ts";
import type { FlushParts } from "./flush.ts";
import type { RefillParts } from "./refill.ts";
import type { SheafSlowAllocation } from "./slow-allocation.ts";
import type { SheafSlowFree } from "./slow-free.ts";
import { ALLOC_SLAB, FREE_SLAB, SHEAF_FLUSH, SHEAF_REFILL } from "./statistics.ts";
import { SHEAF_HEADER_BYTES, Sheaf, type SheafPtr } from "./structs.ts";

// Local names: see machine/inlining.ts.
const CACHE_FLAGS = KmemCache.flags;
const CACHE_OFFSET = KmemCache.offset;
const CACHE_CAPACITY = KmemCache.sheafCapacity;
const SHEAF_SIZE = Sheaf.size;
const OBJECTS = SHEAF_HEADER_BYTES;
const PAGE_FREELIST = Page.freelist;
const PAGE_COUNTERS = Page.counters;
/** Of a cache whose slow frees are one double-word swap. */
const SWAPS_MASK = __CMPXCHG_DOUBLE | SLAB_DEBUG_FLAGS;
const SWAPS = __CMPXCHG_DOUBLE;

/** What the paths do themselves: they are right only where no class of the table has it otherwise. */
export const SLABS_WRITTEN_OUT = {
  FreePointers: ["get", "set"],
  PageSwap: ["swapIrqSafe", "exchange"],
  DetachedFreelists: ["take"],
  SheafSlowFree: ["free", "freePlain", "link", "push"],
  SheafSlowAllocation: ["takeFromNew"],
  Refill: ["objects", "empty"],
  Flush: ["toSlabs"],
} as const;

/** Frees a chain that is linked but for its tail, of one slab. */
interface ChainFree extends SheafSlowFree {
  freeChain(s: KmemCachePtr, page: PagePtr, head: Address, tail: Address, count: number): void;
}

/** takeFromNew, to the words from index `at` up to `end`; returns the index after the last. */
interface WordAllocation extends SheafSlowAllocation {
  takeFromNewTo(s: KmemCachePtr, page: PagePtr, at: number, end: number, gfp: number): number;
}

function swaps(words: Int32Array, s: KmemCachePtr): boolean {
  return ((words[(s + CACHE_FLAGS) >> 2] as number) & SWAPS_MASK) === SWAPS;
}

export function withDirectSlabs(classes: SheafClasses): Partial<SheafClasses> {
  return {
    SlabPages: class extends classes.SlabPages {
      declare protected readonly memory: DirectMemory;

      protected override linkObjects(s: KmemCachePtr, start: Address, objects: number): Address {
        const { words } = this.memory;
        if (!swaps(words, s) || words[(s + KmemCache.ctor) >> 2] !== 0) {
          return super.linkObjects(s, start, objects);
        }
        const size = words[(s + KmemCache.size) >> 2] as number;
        const offset = words[(s + CACHE_OFFSET) >> 2] as number;
        const last = start + (objects - 1) * size;
        for (let at = start; at < last; at += size) words[(at + offset) >> 2] = at + size;
        words[(last + offset) >> 2] = 0;
        return start;
      }
    },

    SheafSlowFree: class extends classes.SheafSlowFree implements ChainFree {
      declare protected readonly memory: DirectMemory;

      freeChain(s: KmemCachePtr, page: PagePtr, head: Address, tail: Address, count: number): void {
        const { memory } = this;
        const { words } = memory;
        const prior = words[(page + PAGE_FREELIST) >> 2] as number;
        const counters = words[(page + PAGE_COUNTERS) >> 2] as number;
        if (prior === 0 || inuseOf(counters) === count) {
          this.freeLocked(s, page, head, tail, count);
          return;
        }
        words[(tail + (words[(s + CACHE_OFFSET) >> 2] as number)) >> 2] = prior;
        // Full barrier: a CPU that takes the chain sees its links. inuse is in the low bits.
        if (!memory.cmpxchgDouble(page + PAGE_FREELIST, prior, counters, head, counters - count)) {
          this.again(s, page, head, tail, count);
        }
      }

      /** To a slab that was full, or becomes empty. */
      private freeLocked(
        s: KmemCachePtr,
        page: PagePtr,
        head: Address,
        tail: Address,
        count: number,
      ): void {
        const { memory, context } = this;
        const { words } = memory;
        const { nodePartial, slabPages } = this.parts;
        const n = context.nodeOfPage(s, page);
        const flags = nodePartial.lockIrqsave(n);
        const isListed = nodePartial.isListed(page);
        const prior = words[(page + PAGE_FREELIST) >> 2] as number;
        const counters = words[(page + PAGE_COUNTERS) >> 2] as number;
        const fewer = counters - count;
        words[(tail + (words[(s + CACHE_OFFSET) >> 2] as number)) >> 2] = prior;
        const isDone = memory.cmpxchgDouble(page + PAGE_FREELIST, prior, counters, head, fewer);
        const isUnwanted = isDone && this.relist(s, n, page, prior === 0, isListed, inuseOf(fewer));
        nodePartial.unlockIrqrestore(n, flags);
        if (isUnwanted) {
          context.stat(s, FREE_SLAB);
          slabPages.discard(s, page);
        }
        if (!isDone) this.again(s, page, head, tail, count);
      }

      /** Another CPU has changed the slab in between. */
      private again(
        s: KmemCachePtr,
        page: PagePtr,
        head: Address,
        tail: Address,
        count: number,
      ): void {
        this.context.stat(s, this.context.events.cmpxchgDoubleFail);
        this.freeChain(s, page, head, tail, count);
      }
    },

    Flush: class extends classes.Flush {
      declare protected readonly parts: FlushParts & { readonly slowFree: ChainFree };

      override sheaf(s: KmemCachePtr, sheaf: SheafPtr): void {
        const { context } = this.parts;
        const { words } = context.memory as DirectMemory;
        if (!swaps(words, s)) {
          super.sheaf(s, sheaf);
          return;
        }
        const size = words[(sheaf + SHEAF_SIZE) >> 2] as number;
        if (size === 0) return;
        context.stat(s, SHEAF_FLUSH, size);
        words[(sheaf + SHEAF_SIZE) >> 2] = 0;
        this.chains(s, (sheaf + OBJECTS) >> 2, size);
      }

      /**
       * Frees the objects in `count` words from index `start`, chained by slab as detached-freelist.ts
       * does it. The words are used up.
       */
      private chains(s: KmemCachePtr, start: number, count: number): void {
        const { context, slowFree } = this.parts;
        const { pages } = context;
        const { words } = context.memory as DirectMemory;
        const offset = words[(s + CACHE_OFFSET) >> 2] as number;
        for (let end = start + count; end > start; ) {
          const tail = words[--end] as Address;
          const page = pages.virtToHeadPage(tail);
          let head = tail;
          let chained = 1;
          for (let i = end - 1, misses = 0; i >= start && misses < LOOKAHEAD; i--) {
            const object = words[i] as Address;
            if (pages.virtToHeadPage(object) !== page) {
              misses++;
              continue;
            }
            words[(object + offset) >> 2] = head;
            head = object;
            chained++;
            words[i] = words[--end] as Address;
          }
          slowFree.freeChain(s, page, head, tail, chained);
        }
      }
    },

    SheafSlowAllocation: class extends classes.SheafSlowAllocation implements WordAllocation {
      declare protected readonly memory: DirectMemory;

      takeFromNewTo(s: KmemCachePtr, page: PagePtr, at: number, end: number, gfp: number): number {
        const { words } = this.memory;
        const { nodePartial, slabPages } = this.parts;
        const counters = words[(page + PAGE_COUNTERS) >> 2] as number;
        const objects = objectsOf(counters);
        const count = Math.min(objects, end - at);
        const n = this.context.nodeOfPage(s, page);
        const flags = count < objects ? nodePartial.lockFor(n, gfp) : undefined;
        if (count < objects && flags === undefined) {
          slabPages.freeUnseen(s, page);
          return at;
        }
        const offset = words[(s + CACHE_OFFSET) >> 2] as number;
        let object = words[(page + PAGE_FREELIST) >> 2] as number;
        for (let to = at; to < at + count; to++) {
          words[to] = object;
          object = words[(object + offset) >> 2] as number;
        }
        words[(page + PAGE_FREELIST) >> 2] = object;
        words[(page + PAGE_COUNTERS) >> 2] = withInuse(counters, count);
        if (flags !== undefined) {
          nodePartial.add(n, page, ADD_TO_HEAD);
          nodePartial.unlockIrqrestore(n, flags);
        }
        slabPages.incSlabsNode(s, page, objects);
        return at + count;
      }
    },

    Refill: class extends classes.Refill {
      declare protected readonly parts: RefillParts & {
        readonly slowFree: ChainFree;
        readonly slowAllocation: WordAllocation;
      };
      declare protected readonly memory: DirectMemory;

      override sheaf(s: KmemCachePtr, sheaf: SheafPtr, gfp: number): boolean {
        const { words } = this.memory;
        if (!swaps(words, s)) return super.sheaf(s, sheaf, gfp);
        const start = (sheaf + OBJECTS) >> 2;
        const at = start + (words[(sheaf + SHEAF_SIZE) >> 2] as number);
        const end = start + (words[(s + CACHE_CAPACITY) >> 2] as number);
        if (at >= end) return true;
        const filled = this.fill(s, gfp, at, end);
        words[(sheaf + SHEAF_SIZE) >> 2] = filled - start;
        if (filled > at) this.context.stat(s, SHEAF_REFILL, filled - at);
        return filled === end;
      }

      /** `objects`, to the words from index `at` up to `end`. */
      private fill(s: KmemCachePtr, gfp: number, from: number, end: number): number {
        const { context } = this;
        const { otherNodes, slowAllocation } = this.parts;
        const hasOthers = context.machine.options.nodes > 1;
        const near = hasOthers ? otherNodes.numaMemId() : 0;
        let at = this.fillFromNode(s, gfp, context.nodeOf(s, near), from, end);
        if (hasOthers && at < end) {
          const found: Address[] = [];
          this.fromOtherNodes(s, gfp, end - at, found);
          for (const object of found) this.memory.words[at++] = object;
        }
        while (at < end) {
          const page = slowAllocation.newSlab(s, gfp, near);
          if (page === 0) break;
          context.stat(s, ALLOC_SLAB);
          at = slowAllocation.takeFromNewTo(s, page, at, end, gfp);
        }
        return at;
      }

      private fillFromNode(
        s: KmemCachePtr,
        gfp: number,
        n: KmemCacheNodePtr,
        from: number,
        end: number,
      ): number {
        const isolated = this.isolate(n, gfp, end - from, false);
        let at = from;
        let used = 0;
        while (used < isolated.length && at < end) {
          at = this.emptyTo(s, isolated[used++] as PagePtr, at, end);
        }
        if (used < isolated.length) this.giveBack(s, n, isolated.slice(used));
        return at;
      }

      private emptyTo(s: KmemCachePtr, page: PagePtr, from: number, end: number): number {
        const { words } = this.memory;
        const offset = words[(s + CACHE_OFFSET) >> 2] as number;
        let object = this.takeAll(s, page);
        let at = from;
        while (object !== 0 && at < end) {
          words[at++] = object;
          object = words[(object + offset) >> 2] as number;
        }
        if (object === 0) return at;
        let tail = object;
        let surplus = 1;
        for (let next = words[(tail + offset) >> 2] as number; next !== 0; surplus++) {
          tail = next;
          next = words[(tail + offset) >> 2] as number;
        }
        this.parts.slowFree.freeChain(s, page, object, tail, surplus);
        return at;
      }
    },
  };
}
