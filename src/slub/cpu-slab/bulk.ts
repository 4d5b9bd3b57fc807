// SPDX-License-Identifier: GPL-2.0-only
/**
 * Many objects in one call: kmem_cache_alloc_bulk and kmem_cache_free_bulk (Linux 4.3 on; the form
 * of 5.10). Allocation holds interrupts off and pops by plain stores. Freeing builds, for each slab,
 * a chain through the caller's own objects and frees it by one swap.
 */
import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import { Page, type PagePtr, PG_SLAB } from "../../pages/page.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { SlubContext } from "../slub-context.ts";
import { ALLOC_FASTPATH, ALLOC_SLOWPATH } from "../statistics.ts";
import { KmemCache, type KmemCacheCpuPtr, type KmemCachePtr } from "../structs.ts";
import type { CpuSlab } from "./cpu-slab.ts";
import type { SlowAllocation } from "./slow-allocation.ts";

const CACHE_OBJECT_SIZE = KmemCache.objectSize;
const PAGE_SLAB_CACHE = Page.slabCache;
const PAGE_FLAGS = Page.flags;

/** How many objects of other slabs may be skipped in search of one more of the same slab. */
export const LOOKAHEAD = 3;

export interface BulkParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly cpuSlab: CpuSlab;
  readonly slowAllocation: SlowAllocation;
  slabFreeChain(s: KmemCachePtr, page: PagePtr, head: Address, tail: Address, count: number): void;
}

export class Bulk {
  declare protected readonly parts: BulkParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare protected readonly freePointers: FreePointers;
  declare protected readonly cpuSlab: CpuSlab;
  /** Whether a chain begins with the last object of p, not with the first. */
  protected readonly turnsChains: boolean = false;

  constructor(parts: BulkParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.freePointers = parts.freePointers;
    this.cpuSlab = parts.cpuSlab;
  }

  /** All or nothing: `size` objects in p and `size` returned, or 0. */
  alloc(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    const { memory } = this;
    if (s === 0) throw new KernelBug("bad-access", "kmem_cache_alloc_bulk: the cache is NULL");
    const got = this.take(s, gfp, size, p);
    if (got < size) {
      this.free(s, got, p);
      return 0;
    }
    if ((gfp & __GFP_ZERO) !== 0) {
      const bytes = memory.read32(s + CACHE_OBJECT_SIZE);
      for (let i = 0; i < size; i++) memory.fill(p[i] as Address, 0, bytes);
    }
    return size;
  }

  /** Fills p as far as memory lasts; returns how many objects are in it. */
  take(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    const { memory, cpuSlab } = this;
    const flags = memory.irqSave();
    let c = cpuSlab.here(s);
    let popped = 0;
    let got = 0;
    for (; got < size; got++) {
      let object = cpuSlab.pop(s, c);
      if (object !== 0) popped++;
      else {
        this.bumpBeforeSlowPath(c);
        object = this.parts.slowAllocation.allocateHere(s, gfp, NUMA_NO_NODE);
        this.context.stat(s, ALLOC_SLOWPATH);
        // Interrupts may have been on, so this may be another CPU, with an object or without.
        c = cpuSlab.here(s);
        if (object === 0) break;
      }
      p[got] = object;
    }
    cpuSlab.bumpTid(c);
    this.context.stat(s, ALLOC_FASTPATH, popped);
    memory.irqRestore(flags);
    return got;
  }

  /**
   * The pops so far were plain stores, which an interrupted fast path cannot notice. The slow path may
   * enable interrupts and so let it run: its tid must be out of date by then (fd4d9c7d0c71).
   */
  protected bumpBeforeSlowPath(c: KmemCacheCpuPtr): void {
    this.cpuSlab.bumpTid(c);
  }

  /**
   * Frees p[0..size), and overwrites entries of p. With s = 0 each object is freed as kfree does: to
   * its own cache, or as pages.
   */
  free(s: KmemCachePtr, size: number, p: Address[]): void {
    let left = size;
    while (left > 0) left = this.freeDetached(s, left, p);
  }

  /**
   * build_detached_freelist, from the end of p: chains the objects of one slab and frees them at
   * once. Returns how many of p remain, all in front.
   */
  protected freeDetached(s: KmemCachePtr, size: number, p: Address[]): number {
    const { pages } = this.context;
    const { freePointers } = this;
    let left = size - 1;
    let tail = p[left] as Address;
    const page = pages.virtToHeadPage(tail);
    if (s === 0 && (this.memory.readOnce(page + PAGE_FLAGS) & PG_SLAB) === 0) {
      this.context.common.kfree(tail);
      return left;
    }
    const cache = this.cacheOf(s, page, tail);
    if (this.freesSingly(cache)) {
      this.parts.slabFreeChain(cache, page, tail, tail, 1);
      return left;
    }
    let head = tail;
    let count = 1;
    let misses = 0;
    for (let i = left - 1; i >= 0 && misses < LOOKAHEAD; i--) {
      const object = p[i] as Address;
      if (pages.virtToHeadPage(object) !== page) {
        misses++;
        continue;
      }
      if (this.turnsChains) {
        freePointers.set(cache, tail, object);
        tail = object;
      } else {
        freePointers.set(cache, object, head);
        head = object;
      }
      count++;
      // The hole is filled from the end, so that the remaining objects stay in front.
      left--;
      if (i !== left) p[i] = p[left] as Address;
    }
    this.parts.slabFreeChain(cache, page, head, tail, count);
    return left;
  }

  /** A chain is written through the objects before the checks have shown them to be in use. */
  protected freesSingly(s: KmemCachePtr): boolean {
    return this.context.isDebug(s);
  }

  private cacheOf(s: KmemCachePtr, page: PagePtr, object: Address): KmemCachePtr {
    const owner = this.memory.read32(page + PAGE_SLAB_CACHE);
    if (s === 0) return owner;
    if (owner !== s) this.context.common.wrongCache(s, owner, object);
    return s;
  }
}
