// SPDX-License-Identifier: GPL-2.0-only
/**
 * failslab: allocations of objects that fail on purpose (mm/failslab.c), over either allocator. The
 * cache of caches is spared, as are requests that must not fail.
 */
import type { Address } from "../machine/memory.ts";
import type { AllocatorClass } from "./allocator-class.ts";
import { FaultInjection } from "./fault-injection.ts";
import { SLAB_FAILSLAB } from "./flags.ts";
import { KmemCacheBase, type KmemCachePtr } from "./kmem-cache.ts";
import type { SlabCommon } from "./slab-common.ts";

/** The same allocator with an injection point, disarmed. */
export function failslab<C extends AllocatorClass>(Base: C): C {
  return class extends (Base as AllocatorClass) {
    readonly faults: FaultInjection;
    private readonly common: SlabCommon;

    // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
    constructor(common: SlabCommon, ...parts: any[]) {
      super(common, ...parts);
      this.common = common;
      this.faults = new FaultInjection(common.machine, "failslab");
      this.faults.tellThrough(common);
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      return this.fails(s, gfp) ? 0 : super.slabAllocNode(s, gfp, node);
    }

    override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
      return this.fails(s, gfp) ? 0 : super.allocBulk(s, gfp, size, p);
    }

    /** should_failslab */
    private fails(s: KmemCachePtr, gfp: number): boolean {
      const { memory } = this.common.machine;
      if (s === this.common.kmemCache) return false;
      const spared =
        this.faults.cacheFilter && (memory.read32(s + KmemCacheBase.flags) & SLAB_FAILSLAB) === 0;
      const size = memory.read32(s + KmemCacheBase.objectSize);
      return !spared && this.faults.shouldFail(gfp, size);
    }
  } as unknown as C;
}
