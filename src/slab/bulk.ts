// SPDX-License-Identifier: GPL-2.0-only
/**
 * Many objects in one call (Linux 4.3 on; the form of 5.10): interrupts stay off over all of them,
 * except while a slab is made. As many as this CPU's array holds, or has room for, move at once.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { __GFP_ZERO } from "../pages/gfp.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { SlabContext } from "./slab-context.ts";
import { ALLOCHIT, FREEHIT } from "./statistics.ts";
import { ArrayCache, ENTRY, type KmemCachePtr } from "./structs.ts";

// Local names, since every object of a batch passes: see machine/inlining.ts.
const AVAIL = ArrayCache.avail;
const ENTRIES = ENTRY;
const SLAB_CACHE = Page.slabCache;

/** The parts of a SLAB that it uses. */
export interface BulkParts {
  readonly context: SlabContext;
  /** One object or 0, and one object back. Interrupts are off. */
  allocate(s: KmemCachePtr, gfp: number, node: number): Address;
  free(s: KmemCachePtr, page: PagePtr, object: Address): void;
  /** Whether objects of the slab go to another node's queue. */
  isAlien(page: PagePtr): boolean;
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
    const got = this.take(s, gfp & ~__GFP_ZERO, size, p);
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

  /** Fills p as far as memory lasts; returns how many objects are in it. */
  private take(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    let got = this.pop(s, 0, size, p);
    while (got < size) {
      // Refills the array, during which the task may move to another CPU.
      const object = this.parts.allocate(s, gfp, NUMA_NO_NODE);
      if (object === 0) break;
      p[got] = object;
      got = this.pop(s, got + 1, size, p);
    }
    return got;
  }

  /** Fills p[from..size) from this CPU's array as far as that goes; returns the end. */
  protected pop(s: KmemCachePtr, from: number, size: number, p: Address[]): number {
    const { memory } = this;
    const ac = this.context.cpuArray(s);
    const avail = memory.read32(ac + AVAIL);
    const count = Math.min(avail, size - from);
    if (count <= 0) return from;
    let entry = ac + ENTRIES + (avail << 2);
    for (let i = from; i < from + count; i++) {
      entry -= 4;
      p[i] = memory.read32(entry);
    }
    memory.write32(ac + ArrayCache.touched, 1);
    memory.write32(ac + AVAIL, avail - count);
    this.context.stat(s, ALLOCHIT, count);
    return from + count;
  }

  /**
   * Frees p[0..size), each to its own cache where s is 0; whole pages of kmalloc go back then, too.
   * Throws at the first address that is neither; the objects before it are free.
   */
  free(s: KmemCachePtr, size: number, p: Address[]): void {
    const { memory } = this;
    const { pages } = this.context;
    let flags = memory.irqSave();
    for (let i = this.push(s, 0, size, p); i < size; i = this.push(s, i + 1, size, p)) {
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

  /**
   * Puts p[from..size) into this CPU's array as long as it has room and they are of the cache and of
   * this node; returns where that ends. Without a cache, where it begins.
   */
  protected push(s: KmemCachePtr, from: number, size: number, p: Address[]): number {
    if (s === 0) return from;
    const { memory, parts } = this;
    const { pages } = this.context;
    const ac = this.context.cpuArray(s);
    const avail = memory.read32(ac + AVAIL);
    const end = Math.min(size, from + memory.read32(ac + ArrayCache.limit) - avail);
    let entry = ac + ENTRIES + (avail << 2);
    let i = from;
    for (; i < end; i++) {
      const object = p[i] as Address;
      const page = pages.virtToHeadPage(object);
      if (memory.read32(page + SLAB_CACHE) !== s || parts.isAlien(page)) break;
      memory.write32(entry, object);
      entry += 4;
    }
    if (i === from) return from;
    memory.write32(ac + AVAIL, avail + i - from);
    this.context.stat(s, FREEHIT, i - from);
    return i;
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
