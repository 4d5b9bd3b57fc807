// SPDX-License-Identifier: GPL-2.0-only
/**
 * The fast paths for direct memory: what slab.ts does, where nothing can come in between. On direct
 * memory a task is disturbed at `poll` and while it waits, and nowhere else, so nothing is to be
 * disabled: what is left of each path is its accesses, straight on the words of the memory. Rare cases
 * are left to the methods that these override.
 */
import type { DirectMemory } from "../machine/direct-memory.ts";
import type { Address } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { __GFP_ZERO } from "../pages/gfp.ts";
import type { PagePtr } from "../pages/page.ts";
import type { SlabClasses } from "./kernels.ts";
import type { Slab } from "./slab.ts";
import { ALLOCHIT, FREEHIT } from "./statistics.ts";
import { ArrayCache, COUNTERS, ENTRY, KmemCache, type KmemCachePtr } from "./structs.ts";

// Local names: see machine/inlining.ts. Those of an array's words count words.
const NO_NODE = NUMA_NO_NODE;
const GFP_ZERO = __GFP_ZERO;
const CPU_ARRAY = KmemCache.cpuSlab;
const AVAIL = ArrayCache.avail >> 2;
const LIMIT = ArrayCache.limit >> 2;
const TOUCHED = ArrayCache.touched >> 2;
const ENTRIES = ENTRY >> 2;
const COUNT_ALLOCHIT = (COUNTERS >> 2) + ALLOCHIT;
const COUNT_FREEHIT = (COUNTERS >> 2) + FREEHIT;

/** What the paths do themselves: they are right only where no class of the table has it otherwise. */
export const SLAB_WRITTEN_OUT = { Allocator: ["free", "isAlien"] } as const;

type Allocation = (s: KmemCachePtr, gfp: number, node: number) => Address;

export function withDirectSlabPaths(classes: SlabClasses): Partial<SlabClasses> {
  return {
    Allocator: class extends classes.Allocator {
      declare protected readonly memory: DirectMemory;
      /** In an array, since V8 inlines no function that it finds in one: see machine/inlining.ts. */
      declare private readonly others: readonly Allocation[];

      constructor(...[common, parts]: ConstructorParameters<typeof Slab>) {
        super(common, parts);
        this.others = [(s, gfp, node) => super.slabAllocNode(s, gfp, node)];
      }

      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        const { words, area } = this.memory;
        const ac = (area + (words[(s + CPU_ARRAY) >> 2] as number)) >> 2;
        const avail = (words[ac + AVAIL] as number) - 1;
        if (avail < 0 || node !== NO_NODE) return (this.others[0] as Allocation)(s, gfp, node);
        words[ac + TOUCHED] = 1;
        words[ac + AVAIL] = avail;
        (words[ac + COUNT_ALLOCHIT] as number) += 1;
        const object = words[ac + ENTRIES + avail] as number;
        if ((gfp & GFP_ZERO) !== 0) this.zero(s, object);
        return object;
      }

      override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
        const { words, area } = this.memory;
        const ac = (area + (words[(s + CPU_ARRAY) >> 2] as number)) >> 2;
        const avail = words[ac + AVAIL] as number;
        if (avail >= (words[ac + LIMIT] as number) || this.isAlien(page)) {
          super.slabFree(s, page, object);
          return;
        }
        words[ac + ENTRIES + avail] = object;
        words[ac + AVAIL] = avail + 1;
        (words[ac + COUNT_FREEHIT] as number) += 1;
      }
    },
  };
}
