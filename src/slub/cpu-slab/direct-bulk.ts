// SPDX-License-Identifier: GPL-2.0-only
/**
 * Bulk calls for direct memory: what bulk.ts does, on the words of the memory. The slab of this CPU is
 * popped, and chains are built, without a call for each object. The rest is left to the methods that
 * these override: they begin where the list of this CPU has ended.
 */
import { SLAB_DEBUG_FLAGS } from "../../caches/flags.ts";
import type { DirectMemory } from "../../machine/direct-memory.ts";
import type { Address } from "../../machine/memory.ts";
import { Page } from "../../pages/page.ts";
import type { SlubClasses } from "../kernels.ts";
import { ALLOC_FASTPATH } from "../statistics.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr } from "../structs.ts";
import { Bulk, LOOKAHEAD } from "./bulk.ts";

// Local names: see machine/inlining.ts.
const CACHE_CPU_SLAB = KmemCache.cpuSlab;
const CACHE_OFFSET = KmemCache.offset;
const CACHE_FLAGS = KmemCache.flags;
const CPU_FREELIST = KmemCacheCpu.freelist;
const PAGE_SLAB_CACHE = Page.slabCache;

/** What the calls do themselves: they are right only where no class of the table has it otherwise. */
export const BULK_WRITTEN_OUT = {
  CpuSlab: ["pop", "freelist", "setFreelist"],
  FreePointers: ["get", "set"],
  Bulk: ["freesSingly"],
} as const;

export function withDirectBulk(classes: SlubClasses): Partial<SlubClasses> {
  // Later forms count otherwise, and turn chains around.
  if (classes.Bulk !== Bulk) return {};
  return {
    Bulk: class extends classes.Bulk {
      declare protected readonly memory: DirectMemory;

      override take(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
        const got = this.popAll(s, size, p);
        this.context.stat(s, ALLOC_FASTPATH, got);
        if (got === size) {
          this.cpuSlab.bumpTid(this.cpuSlab.here(s));
          return got;
        }
        const rest: Address[] = [];
        const more = super.take(s, gfp, size - got, rest);
        for (let i = 0; i < more; i++) p[got + i] = rest[i] as Address;
        return got + more;
      }

      /** Up to `size` objects of this CPU's list; the caller moves tid. */
      private popAll(s: KmemCachePtr, size: number, p: Address[]): number {
        const { words, area } = this.memory;
        const list = (area + (words[(s + CACHE_CPU_SLAB) >> 2] as number) + CPU_FREELIST) >> 2;
        const offset = words[(s + CACHE_OFFSET) >> 2] as number;
        let object = words[list] as Address;
        let got = 0;
        for (; got < size && object !== 0; got++) {
          p[got] = object;
          object = words[(object + offset) >> 2] as Address;
        }
        words[list] = object;
        return got;
      }

      protected override freeDetached(s: KmemCachePtr, size: number, p: Address[]): number {
        const { words } = this.memory;
        const { pages } = this.context;
        let left = size - 1;
        const tail = p[left] as Address;
        const page = pages.virtToHeadPage(tail);
        const isDebug = ((words[(s + CACHE_FLAGS) >> 2] as number) & SLAB_DEBUG_FLAGS) !== 0;
        if (s === 0 || isDebug || words[(page + PAGE_SLAB_CACHE) >> 2] !== s) {
          return super.freeDetached(s, size, p);
        }
        const offset = words[(s + CACHE_OFFSET) >> 2] as number;
        let head = tail;
        let count = 1;
        for (let i = left - 1, misses = 0; i >= 0 && misses < LOOKAHEAD; i--) {
          const object = p[i] as Address;
          if (pages.virtToHeadPage(object) !== page) {
            misses++;
            continue;
          }
          words[(object + offset) >> 2] = head;
          head = object;
          count++;
          left--;
          if (i !== left) p[i] = p[left] as Address;
        }
        this.parts.slabFreeChain(s, page, head, tail, count);
        return left;
      }
    },
  };
}
