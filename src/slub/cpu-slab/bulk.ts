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
import type { SlubContext } from "../slub-context.ts";
import { ALLOC_FASTPATH, ALLOC_SLOWPATH } from "../statistics.ts";
import {
  KmemCache,
  KmemCacheCpu,
  type KmemCacheCpuPtr,
  type KmemCachePtr,
  nextTid,
} from "../structs.ts";
import type { Slub } from "./slub.ts";

const CACHE_CPU_SLAB = KmemCache.cpuSlab;
const CPU_FREELIST = KmemCacheCpu.freelist;
const CACHE_OBJECT_SIZE = KmemCache.objectSize;
const CPU_TID = KmemCacheCpu.tid;
const PAGE_SLAB_CACHE = Page.slabCache;
const PAGE_FLAGS = Page.flags;

/** How many objects of other slabs are passed over in search of one more of the same. */
const LOOKAHEAD = 3;

export class Bulk {
  declare protected readonly slub: Slub;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(slub: Slub) {
    this.slub = slub;
    this.context = slub.context;
    this.memory = slub.context.memory;
  }

  /** All or nothing: `size` objects in p and `size` returned, or 0. */
  alloc(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    const { memory } = this;
    const { freePointers } = this.slub;
    if (s === 0) throw new KernelBug("bad-access", "kmem_cache_alloc_bulk: the cache is NULL");
    const cpuSlab = memory.read32(s + CACHE_CPU_SLAB);
    const flags = memory.irqSave();
    let c = memory.thisCpuPtr(cpuSlab);
    let popped = 0;
    let got = 0;
    for (; got < size; got++) {
      let object = memory.read32(c + CPU_FREELIST);
      if (object !== 0) {
        memory.write32(c + CPU_FREELIST, freePointers.get(s, object));
        popped++;
      } else {
        this.bumpBeforeSlowPath(c);
        object = this.slub.slowAllocation.allocateIrqsOff(s, gfp, NUMA_NO_NODE);
        this.context.stat(s, ALLOC_SLOWPATH);
        // Interrupts may have been on, and this may be another CPU, whatever came of it.
        c = memory.thisCpuPtr(cpuSlab);
        if (object === 0) break;
      }
      p[got] = object;
    }
    this.bumpTid(c);
    this.context.stat(s, ALLOC_FASTPATH, popped);
    memory.irqRestore(flags);
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

  /**
   * The pops so far were plain stores that an interrupted fast path has not seen; the slow path may
   * let it run, so its tid must be out of date by then (fd4d9c7d0c71).
   */
  protected bumpBeforeSlowPath(c: KmemCacheCpuPtr): void {
    this.bumpTid(c);
  }

  private bumpTid(c: KmemCacheCpuPtr): void {
    this.memory.write32(c + CPU_TID, nextTid(this.memory.read32(c + CPU_TID)));
  }

  /**
   * Frees p[0..size). Entries of p are used up. With s = 0 each is freed as kfree does: to its own
   * cache, or as pages.
   */
  free(s: KmemCachePtr, size: number, p: Address[]): void {
    let left = size;
    while (left > 0) left = this.freeDetached(s, left, p);
  }

  /**
   * build_detached_freelist, from the end of p: chains the objects of one slab and frees them at
   * once. Returns how many of p remain, all in front.
   */
  private freeDetached(s: KmemCachePtr, size: number, p: Address[]): number {
    const { pages } = this.context;
    const { freePointers } = this.slub;
    let left = size - 1;
    const tail = p[left] as Address;
    const page = pages.virtToHeadPage(tail);
    if (s === 0 && (this.memory.readOnce(page + PAGE_FLAGS) & PG_SLAB) === 0) {
      this.context.common.kfree(tail);
      return left;
    }
    const cache = this.cacheOf(s, page, tail);
    if (this.context.isDebug(cache)) {
      // A chain would be written through objects before they are known to be the caller's.
      this.slub.slabFreeChain(cache, page, tail, tail, 1);
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
      freePointers.set(cache, object, head);
      head = object;
      count++;
      // The hole is filled from the end, so that what remains stays in front.
      left--;
      if (i !== left) p[i] = p[left] as Address;
    }
    this.slub.slabFreeChain(cache, page, head, tail, count);
    return left;
  }

  private cacheOf(s: KmemCachePtr, page: PagePtr, object: Address): KmemCachePtr {
    const owner = this.memory.read32(page + PAGE_SLAB_CACHE);
    if (s === 0) return owner;
    if (owner !== s) this.context.common.wrongCache(s, owner, object);
    return s;
  }
}
