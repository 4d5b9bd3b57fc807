// SPDX-License-Identifier: GPL-2.0-only
/**
 * init_on_alloc (Linux 5.3), over either allocator: objects are zeroed when they are handed out.
 * Caches with a constructor, under RCU, or poisoned keep the content of their objects.
 */
import type { Address, Memory } from "../machine/memory.ts";
import { __GFP_ZERO } from "../pages/gfp.ts";
import type { AllocatorClass } from "./allocator-class.ts";
import { SLAB_POISON, SLAB_TYPESAFE_BY_RCU } from "./flags.ts";
import { KmemCacheBase, type KmemCachePtr } from "./kmem-cache.ts";
import type { SlabCommon } from "./slab-common.ts";

/** slab_want_init_on_alloc, slab_want_init_on_free: what the cache itself allows. */
export function mayBeZeroed(memory: Memory, s: KmemCachePtr): boolean {
  const kept = memory.read32(s + KmemCacheBase.flags) & (SLAB_TYPESAFE_BY_RCU | SLAB_POISON);
  return kept === 0 && memory.read32(s + KmemCacheBase.ctor) === 0;
}

export function initOnAlloc<C extends AllocatorClass>(Base: C): C {
  return class extends (Base as AllocatorClass) {
    declare private readonly initMemory: Memory;

    // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
    constructor(common: SlabCommon, ...parts: any[]) {
      super(common, ...parts);
      this.initMemory = common.machine.memory;
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      return super.slabAllocNode(s, this.zeroing(s, gfp), node);
    }

    override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
      return super.allocBulk(s, this.zeroing(s, gfp), size, p);
    }

    private zeroing(s: KmemCachePtr, gfp: number): number {
      return mayBeZeroed(this.initMemory, s) ? gfp | __GFP_ZERO : gfp;
    }
  } as unknown as C;
}
