// SPDX-License-Identifier: GPL-2.0-only
/**
 * Bulk calls for direct memory, where the main sheaf alone has the objects, or room for them: bulk.ts
 * word by word. All else is left to the methods that these override.
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
  SheafBulk: ["fromSheaves", "takeRemote"],
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
    },
  };
}
