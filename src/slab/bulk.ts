// SPDX-License-Identifier: GPL-2.0-only
/**
 * Many objects in one call (Linux 4.3 on; the form of 5.10): interrupts stay off over all of them,
 * but for the moments in which a slab is made.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { __GFP_ZERO } from "../pages/gfp.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { SlabContext } from "./slab-context.ts";
import type { KmemCachePtr } from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface BulkParts {
  readonly context: SlabContext;
  /** One object or 0, and one object back. Interrupts are off. */
  allocate(s: KmemCachePtr, gfp: number, node: number): Address;
  free(s: KmemCachePtr, page: PagePtr, object: Address): void;
  zero(s: KmemCachePtr, object: Address): void;
}

export class Bulk {
  declare protected readonly parts: BulkParts;
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;

  constructor(parts: BulkParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** All or nothing: `size` objects in p and `size` returned, or 0. */
  alloc(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    const { memory } = this;
    if (s === 0) throw new KernelBug("bad-access", "kmem_cache_alloc_bulk: the cache is NULL");
    const flags = memory.irqSave();
    let got = 0;
    for (; got < size; got++) {
      const object = this.parts.allocate(s, gfp & ~__GFP_ZERO, NUMA_NO_NODE);
      if (object === 0) break;
      p[got] = object;
    }
    memory.irqRestore(flags);
    if (got < size) {
      this.free(s, got, p);
      return 0;
    }
    if ((gfp & __GFP_ZERO) !== 0) {
      for (let i = 0; i < size; i++) this.parts.zero(s, p[i] as Address);
    }
    return size;
  }

  /**
   * Frees p[0..size), each to its own cache where s is 0; whole pages of kmalloc go back then, too.
   * Throws at the first address that is neither; the objects before it are free.
   */
  free(s: KmemCachePtr, size: number, p: Address[]): void {
    const { memory } = this;
    const { pages } = this.context;
    let flags = memory.irqSave();
    for (let i = 0; i < size; i++) {
      const object = p[i] as Address;
      const page = pages.virtToHeadPage(object);
      const owner = this.ownerOf(s, page);
      if (owner === 0) {
        memory.irqRestore(flags);
        this.freeOther(s, page, object);
        flags = memory.irqSave();
      } else {
        this.parts.free(owner, page, object);
      }
    }
    memory.irqRestore(flags);
  }

  /** The cache that objects of `page` go back to, if it is `s` or `s` is 0; 0 where it is not. */
  ownerOf(s: KmemCachePtr, page: PagePtr): KmemCachePtr {
    const owner = this.memory.read32(page + Page.slabCache);
    return s === 0 || owner === s ? owner : 0;
  }

  private freeOther(s: KmemCachePtr, page: PagePtr, object: Address): void {
    const { common } = this.context;
    if (s !== 0) common.wrongCache(s, this.memory.read32(page + Page.slabCache), object);
    common.kfree(object);
  }
}
