// SPDX-License-Identifier: GPL-2.0-only
/**
 * Bulk calls for direct memory: bulk.ts with objects that go from word to word. Where the main sheaf
 * alone has the objects, or room for them, nothing else is looked at.
 */
import type { DirectMemory } from "../../machine/direct-memory.ts";
import type { Address } from "../../machine/memory.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import { Page } from "../../pages/page.ts";
import type { SheafClasses } from "../kernels.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { ALLOC_FASTPATH, FREE_FASTPATH } from "./statistics.ts";
import { CpuSheaves, SHEAF_HEADER_BYTES, Sheaf } from "./structs.ts";

// Local names: see machine/inlining.ts.
const GFP_ZERO = __GFP_ZERO;
const CACHE_CPU_SHEAVES = KmemCache.cpuSheaves;
const CACHE_CAPACITY = KmemCache.sheafCapacity;
const MAIN = CpuSheaves.main >> 2;
const SIZE = Sheaf.size >> 2;
const OBJECTS = SHEAF_HEADER_BYTES >> 2;
const SLAB_CACHE = Page.slabCache;

/** What the paths do themselves: they are right only where no class of the table has it otherwise. */
export const BULK_WRITTEN_OUT = {
  SheafBulk: ["fromSheaves", "takeRemote", "fillSheaves"],
} as const;

/** Index of this CPU's main sheaf. */
function mainOf({ words, area }: DirectMemory, s: KmemCachePtr): number {
  const pcs = (area + (words[(s + CACHE_CPU_SHEAVES) >> 2] as number)) >> 2;
  return (words[pcs + MAIN] as number) >> 2;
}

export function withDirectBulk(classes: SheafClasses): Partial<SheafClasses> {
  return {
    SheafBulk: class extends classes.SheafBulk {
      declare protected readonly memory: DirectMemory;

      override alloc(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
        const { words } = this.memory;
        const main = s === 0 ? 0 : mainOf(this.memory, s);
        const left = main === 0 ? -1 : (words[main + SIZE] as number) - size;
        if (left < 0 || (gfp & GFP_ZERO) !== 0) return super.alloc(s, gfp, size, p);
        words[main + SIZE] = left;
        for (let i = 0; i < size; i++) p[i] = words[main + OBJECTS + left + i] as number;
        this.context.stat(s, ALLOC_FASTPATH, size);
        return size;
      }

      override free(s: KmemCachePtr, size: number, p: Address[]): void {
        if (!this.putsOnMain(s, size, p)) super.free(s, size, p);
      }

      private putsOnMain(s: KmemCachePtr, size: number, p: readonly Address[]): boolean {
        const { memory, context } = this;
        const { words } = memory;
        if (s === 0 || size > p.length || context.machine.options.nodes > 1) return false;
        const main = mainOf(memory, s);
        const had = words[main + SIZE] as number;
        if (had + size > (words[(s + CACHE_CAPACITY) >> 2] as number)) return false;
        for (let i = 0; i < size; i++) {
          const page = context.pages.virtToHeadPage(p[i] as Address);
          if (words[(page + SLAB_CACHE) >> 2] !== s) return false;
        }
        for (let i = 0; i < size; i++) words[main + OBJECTS + had + i] = p[i] as Address;
        words[main + SIZE] = had + size;
        context.stat(s, FREE_FASTPATH, size);
        return true;
      }

      protected override fromSheaves(s: KmemCachePtr, size: number): Address[] {
        const { words } = this.memory;
        const { sheafLock } = this.parts;
        const got: Address[] = [];
        while (got.length < size) {
          const pcs = sheafLock.trylock(s);
          const isFilled = this.ensureObjects(s, pcs);
          const main = sheafLock.main(pcs) >> 2;
          sheafLock.unlock(pcs);
          if (!isFilled) break;
          const had = words[main + SIZE] as number;
          const count = Math.min(size - got.length, had);
          words[main + SIZE] = had - count;
          const first = main + OBJECTS + had - count;
          for (let at = first; at < first + count; at++) got.push(words[at] as Address);
          this.context.stat(s, ALLOC_FASTPATH, count);
        }
        return got;
      }

      /** On a machine of one node no object is of another. */
      protected override takeRemote(s: KmemCachePtr, p: Address[]): Address[] {
        return this.context.machine.options.nodes > 1 ? super.takeRemote(s, p) : [];
      }

      protected override fillSheaves(s: KmemCachePtr, p: Address[]): void {
        const { words } = this.memory;
        const { sheafLock } = this.parts;
        const capacity = words[(s + CACHE_CAPACITY) >> 2] as number;
        let put = 0;
        while (put < p.length) {
          const pcs = sheafLock.trylock(s);
          const hasRoom = this.ensureRoom(s, pcs);
          const main = sheafLock.main(pcs) >> 2;
          sheafLock.unlock(pcs);
          if (!hasRoom) break;
          const had = words[main + SIZE] as number;
          const count = Math.min(p.length - put, capacity - had);
          const to = main + OBJECTS + had;
          for (let i = 0; i < count; i++) words[to + i] = p[put + i] as Address;
          words[main + SIZE] = had + count;
          put += count;
          this.context.stat(s, FREE_FASTPATH, count);
        }
        p.splice(0, put);
      }
    },
  };
}
