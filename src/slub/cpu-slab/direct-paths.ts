// SPDX-License-Identifier: GPL-2.0-only
/**
 * The fast paths, and the common slow free, for direct memory: what slub.ts and slow-free.ts do, where
 * nothing can come in between. On direct memory a task is disturbed at `poll` and while it waits, and
 * nowhere else, so the comparison with tid always holds: what is left of each path is its accesses,
 * straight on the words of the memory. Rare cases are left to the methods that these override.
 *
 * A thread that is ended in the middle leaves what the other form would leave: tid has moved on
 * before the list does, and an object is linked before the list begins with it.
 */
import { __CMPXCHG_DOUBLE, SLAB_DEBUG_FLAGS } from "../../caches/flags.ts";
import type { DirectMemory } from "../../machine/direct-memory.ts";
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf } from "../counters.ts";
import type { SlubClasses } from "../kernels.ts";
import { ALLOC_FASTPATH, FREE_FASTPATH, FREE_FROZEN, FREE_SLOWPATH } from "../statistics.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr, TID_STEP } from "../structs.ts";
import { BULK_WRITTEN_OUT, withDirectBulk } from "./direct-bulk.ts";
import type { SlowFree } from "./slow-free.ts";
import type { Slub } from "./slub.ts";

// Local names: see machine/inlining.ts. Those of a CPU's words count words.
const NO_NODE = NUMA_NO_NODE;
const GFP_ZERO = __GFP_ZERO;
const STEP = TID_STEP;
const CPU_FREELIST = KmemCacheCpu.freelist >> 2;
const CPU_TID = KmemCacheCpu.tid >> 2;
const CPU_PAGE = KmemCacheCpu.page >> 2;
const COUNT_ALLOC_FASTPATH = (KmemCacheCpu.stat >> 2) + ALLOC_FASTPATH;
const COUNT_FREE_FASTPATH = (KmemCacheCpu.stat >> 2) + FREE_FASTPATH;
const COUNT_FREE_SLOWPATH = (KmemCacheCpu.stat >> 2) + FREE_SLOWPATH;
const COUNT_FREE_FROZEN = (KmemCacheCpu.stat >> 2) + FREE_FROZEN;
const CACHE_CPU_SLAB = KmemCache.cpuSlab;
const CACHE_OFFSET = KmemCache.offset;
const CACHE_FLAGS = KmemCache.flags;
const PAGE_FREELIST = Page.freelist;
const PAGE_COUNTERS = Page.counters;
/** Of a cache whose slow frees are one double-word swap. */
const SWAPS_MASK = __CMPXCHG_DOUBLE | SLAB_DEBUG_FLAGS;
const SWAPS = __CMPXCHG_DOUBLE;

/** What the paths do themselves: they are right only where no class of the table has it otherwise. */
export const SLUB_WRITTEN_OUT = {
  Allocator: [
    "nodeMatch",
    "getFreepointerSafe",
    "setFreepointer",
    "updateCpuFreelistFast",
    "slabFreeChain",
  ],
  ...BULK_WRITTEN_OUT,
  SlowFree: ["push", "freePlain", "concernsList"],
  PageSwap: ["swapIrqSafe", "exchange"],
} as const;

/** Takes the first object of this CPU's list; 0: there is none. */
export function takeFromCpuSlab(memory: DirectMemory, s: KmemCachePtr): Address {
  const { words, area } = memory;
  const c = (area + (words[(s + CACHE_CPU_SLAB) >> 2] as number)) >> 2;
  const object = words[c + CPU_FREELIST] as number;
  if (object === 0) return 0;
  const link = object + (words[(s + CACHE_OFFSET) >> 2] as number);
  (words[c + CPU_TID] as number) += STEP;
  words[c + CPU_FREELIST] = words[link >> 2] as number;
  (words[c + COUNT_ALLOC_FASTPATH] as number) += 1;
  return object;
}

/** Puts an object first on this CPU's list; false: it is of another slab. */
export function putOnCpuSlab(
  memory: DirectMemory,
  s: KmemCachePtr,
  page: PagePtr,
  object: Address,
): boolean {
  const { words, area } = memory;
  const c = (area + (words[(s + CACHE_CPU_SLAB) >> 2] as number)) >> 2;
  if (words[c + CPU_PAGE] !== page) return false;
  const link = object + (words[(s + CACHE_OFFSET) >> 2] as number);
  words[link >> 2] = words[c + CPU_FREELIST] as number;
  (words[c + CPU_TID] as number) += STEP;
  words[c + CPU_FREELIST] = object;
  (words[c + COUNT_FREE_FASTPATH] as number) += 1;
  return true;
}

type Allocation = (s: KmemCachePtr, gfp: number, node: number) => Address;

export function withDirectSlubPaths(classes: SlubClasses): Partial<SlubClasses> {
  return {
    Allocator: class extends classes.Allocator {
      declare protected readonly memory: DirectMemory;
      /** In an array, since V8 inlines no function that it finds in one: see machine/inlining.ts. */
      declare private readonly others: readonly Allocation[];

      constructor(...[common, parts]: ConstructorParameters<typeof Slub>) {
        super(common, parts);
        this.others = [
          (s, gfp, node) => super.slabAllocNode(s, gfp, node),
          (s, gfp, node) => this.allocZeroed(s, gfp, node),
        ];
      }

      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        const isZeroed = (gfp & GFP_ZERO) !== 0;
        const object = node === NO_NODE && !isZeroed ? takeFromCpuSlab(this.memory, s) : 0;
        return object || (this.others[isZeroed ? 1 : 0] as Allocation)(s, gfp, node);
      }

      private allocZeroed(s: KmemCachePtr, gfp: number, node: number): Address {
        const object = node === NO_NODE ? takeFromCpuSlab(this.memory, s) : 0;
        return object === 0 ? super.slabAllocNode(s, gfp, node) : this.zeroed(s, object);
      }

      override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
        if (!putOnCpuSlab(this.memory, s, page, object)) this.freeOther(s, page, object);
      }

      override slabFreeChain(
        s: KmemCachePtr,
        page: PagePtr,
        head: Address,
        tail: Address,
        count: number,
      ): void {
        const { words, area } = this.memory;
        const c = (area + (words[(s + CACHE_CPU_SLAB) >> 2] as number)) >> 2;
        if (words[c + CPU_PAGE] !== page) {
          this.slowFree.free(s, page, head, tail, count);
          return;
        }
        const link = tail + (words[(s + CACHE_OFFSET) >> 2] as number);
        words[link >> 2] = words[c + CPU_FREELIST] as number;
        (words[c + CPU_TID] as number) += STEP;
        words[c + CPU_FREELIST] = head;
        (words[c + COUNT_FREE_FASTPATH] as number) += this.fastFrees(count);
      }

      private freeOther(s: KmemCachePtr, page: PagePtr, object: Address): void {
        this.slowFree.free(s, page, object, object, 1);
      }
    },
    SlowFree: withDirectSlowFree(classes.SlowFree),
    ...withDirectBulk(classes),
  };
}

/** The common slow free: of a slab that stays on the list, or with the owner, that it has. */
export function withDirectSlowFree(Base: typeof SlowFree): typeof SlowFree {
  return class extends Base {
    declare protected readonly memory: DirectMemory;

    override free(s: KmemCachePtr, page: PagePtr, head: Address, tail: Address, n: number): void {
      const { memory } = this;
      const { words } = memory;
      const prior = words[(page + PAGE_FREELIST) >> 2] as number;
      const counters = words[(page + PAGE_COUNTERS) >> 2] as number;
      const isFrozen = counters < 0;
      const stays = isFrozen || (prior !== 0 && inuseOf(counters) !== n);
      if (!stays || ((words[(s + CACHE_FLAGS) >> 2] as number) & SWAPS_MASK) !== SWAPS) {
        super.free(s, page, head, tail, n);
        return;
      }
      words[(tail + (words[(s + CACHE_OFFSET) >> 2] as number)) >> 2] = prior;
      // Full barrier: a CPU that takes the chain sees its links. inuse is in the low bits.
      if (!memory.cmpxchgDouble(page + PAGE_FREELIST, prior, counters, head, counters - n)) {
        this.context.stat(s, this.context.events.cmpxchgDoubleFail);
        super.free(s, page, head, tail, n);
        return;
      }
      const c = (memory.area + (words[(s + CACHE_CPU_SLAB) >> 2] as number)) >> 2;
      (words[c + COUNT_FREE_SLOWPATH] as number) += 1;
      if (isFrozen) (words[c + COUNT_FREE_FROZEN] as number) += 1;
    }
  };
}
