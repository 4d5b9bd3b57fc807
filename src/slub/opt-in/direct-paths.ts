// SPDX-License-Identifier: GPL-2.0-only
/** The fast paths for direct memory of a cache that has sheaves, and of one that has cpu slabs alone. */
import type { DirectMemory } from "../../machine/direct-memory.ts";
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import {
  putOnCpuSlab,
  SLUB_WRITTEN_OUT,
  takeFromCpuSlab,
  withDirectSlowFree,
} from "../cpu-slab/direct-paths.ts";
import type { OptInClasses } from "../kernels.ts";
import { MAIN_WRITTEN_OUT, putOnMain, takeFromMain } from "../sheaves/direct-paths.ts";
import { ALLOC_FASTPATH, FREE_FASTPATH } from "../sheaves/statistics.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { SHEAF_EVENT_WORDS } from "./statistics.ts";

// Local names: see machine/inlining.ts.
const NO_NODE = NUMA_NO_NODE;
const GFP_ZERO = __GFP_ZERO;
const CACHE_CAPACITY = KmemCache.sheafCapacity;
const TAKEN = SHEAF_EVENT_WORDS[ALLOC_FASTPATH] as number;
const PUT = SHEAF_EVENT_WORDS[FREE_FASTPATH] as number;

/** What the paths do themselves: they are right only where no class of the table has it otherwise. */
export const OPT_IN_WRITTEN_OUT = {
  ...SLUB_WRITTEN_OUT,
  ...MAIN_WRITTEN_OUT,
  SheafFront: ["has"],
} as const;

export function withDirectOptInPaths(classes: OptInClasses): Partial<OptInClasses> {
  return {
    Allocator: class extends classes.Allocator {
      declare protected readonly memory: DirectMemory;

      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        const object = node === NO_NODE ? this.take(s) : 0;
        if (object === 0) return super.slabAllocNode(s, gfp, node);
        return (gfp & GFP_ZERO) === 0 ? object : this.zeroed(s, object);
      }

      private take(s: KmemCachePtr): Address {
        const { memory } = this;
        return memory.words[(s + CACHE_CAPACITY) >> 2] === 0
          ? takeFromCpuSlab(memory, s)
          : takeFromMain(memory, s, TAKEN);
      }

      override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
        if (!this.put(s, page, object)) super.slabFree(s, page, object);
      }

      private put(s: KmemCachePtr, page: PagePtr, object: Address): boolean {
        const { memory, optIn } = this;
        return memory.words[(s + CACHE_CAPACITY) >> 2] === 0
          ? putOnCpuSlab(memory, s, page, object)
          : optIn.fastPaths.accepts(object) && putOnMain(memory, s, object, PUT);
      }
    },
    SlowFree: withDirectSlowFree(classes.SlowFree),
  };
}
