// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLUB, the unqueued slab allocator: the two fast paths, and the parts they fall back on. The whole
 * story, with a picture and the exhibit behind each claim: docs/slub.md.
 *
 * The problem: objects of one size, allocated and freed on all CPUs and in interrupts, at the cost
 * of a few accesses, and pages that come back once their objects are free. Why the simple ideas fail:
 *
 *   - One list under one lock: its cache line travels to another CPU with each operation.
 *   - A list of objects a CPU: objects that are freed elsewhere mix pages until no page is ever free.
 *   - A list a CPU whose head is compared and swapped: an interrupt takes two objects and gives the
 *     first back. The head is the same, the next pointer is not (museum R07). Hence tid, which is
 *     different after anything happened, and a swap of both words.
 *   - Emptying another CPU's list from afar: it may be between two reads. It is asked instead (S18).
 *
 * The idea: a CPU owns a slab, its cpu slab, whose free objects are its private list. Taking one is:
 * read tid, read the head, read the head's next pointer, and replace (head, tid) by (next, tid') in
 * one step that fails if anything happened on this CPU in between. Giving one back to the same slab
 * is the same in reverse. No lock is taken and nothing is disabled. Other CPUs never touch the
 * private list; they push on page->freelist.
 *
 * A slab is in one of these states; "frozen" means that one CPU owns it:
 *
 *   1. new: frozen, known to its maker only (SlabPages.newSlab)
 *   2. cpu slab: frozen, c->page; its CPU takes objects, others push on page->freelist
 *   3. full: not frozen, on no list; the first free freezes it for the CPU that frees
 *   4. cpu partial: frozen, on c->partial, a CPU's reserve
 *   5. node partial: not frozen, on n->partial under list_lock, has free objects
 *   6. gone: empty, off its list, pages given back after list_lock is dropped
 *
 * Optional behaviour is a subclass chosen at boot, so that the fast paths test for nothing.
 */
import type { Allocator } from "../../caches/allocator.ts";
import type { SlabCommon } from "../../caches/slab-common.ts";
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { LayerParts } from "../parts.ts";
import { SlabLayer } from "../slab-layer.ts";
import {
  ALLOC_FASTPATH,
  ALLOC_SLOWPATH,
  CMPXCHG_DOUBLE_CPU_FAIL,
  CMPXCHG_DOUBLE_FAIL,
  FREE_FASTPATH,
  ORDER_FALLBACK,
} from "../statistics.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr, TID_STEP } from "../structs.ts";
import type { Bulk } from "./bulk.ts";
import type { CpuPartial } from "./cpu-partial.ts";
import type { CpuSlab } from "./cpu-slab.ts";
import type { Deactivation } from "./deactivation.ts";
import type { CpuSlabFront } from "./front.ts";
import type { PartialSearch } from "./partial-search.ts";
import type { CpuSlabParts } from "./parts.ts";
import type { SlowAllocation } from "./slow-allocation.ts";
import type { SlowFree } from "./slow-free.ts";

// Local names: see machine/inlining.ts.
const NO_NODE = NUMA_NO_NODE;
const GFP_ZERO = __GFP_ZERO;
const STEP = TID_STEP;
const CPU_FREELIST = KmemCacheCpu.freelist;
const CPU_TID = KmemCacheCpu.tid;
const CPU_PAGE = KmemCacheCpu.page;
const COUNT_ALLOC_FASTPATH = KmemCacheCpu.stat + (ALLOC_FASTPATH << 2);
const COUNT_FREE_FASTPATH = KmemCacheCpu.stat + (FREE_FASTPATH << 2);
const COUNT_CPU_FAIL = KmemCacheCpu.stat + (CMPXCHG_DOUBLE_CPU_FAIL << 2);
const CACHE_CPU_SLAB = KmemCache.cpuSlab;
const CACHE_OFFSET = KmemCache.offset;

export class Slub extends SlabLayer implements Allocator {
  declare readonly cpuSlab: CpuSlab;
  declare readonly cpuPartial: CpuPartial;
  declare readonly deactivation: Deactivation;
  declare readonly front: CpuSlabFront;
  declare readonly partialSearch: PartialSearch;
  declare readonly slowAllocation: SlowAllocation;
  declare readonly slowFree: SlowFree;
  declare readonly bulk: Bulk;

  constructor(common: SlabCommon, parts: LayerParts & CpuSlabParts) {
    super(common, parts, { orderFallback: ORDER_FALLBACK, cmpxchgDoubleFail: CMPXCHG_DOUBLE_FAIL });
    this.cpuSlab = new parts.CpuSlab(this);
    this.cpuPartial = new parts.CpuPartial(this);
    this.deactivation = new parts.Deactivation(this);
    this.front = new parts.CpuSlabFront(this);
    this.partialSearch = new parts.PartialSearch(this);
    this.slowAllocation = new parts.SlowAllocation(this);
    this.slowFree = new parts.SlowFree(this);
    this.bulk = new parts.Bulk(this);
  }

  // How much V8 inlines into one loop is limited by bytecode (920 in all; up to 27 is free), so the
  // helpers of the fast paths are tiny, and rare cases are somewhere else.

  /** slab_alloc_node */
  slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
    const { memory } = this;
    const cpuSlab = memory.read32(s + CACHE_CPU_SLAB);
    for (;;) {
      // tid first: any change of this CPU's list after this read makes the swap fail. tid and
      // pointer must be of one CPU, which a migration between the two reads would break.
      const tid = memory.thisCpuRead(cpuSlab + CPU_TID);
      const c = memory.thisCpuPtr(cpuSlab);
      if (memory.readOnce(c + CPU_TID) !== tid) continue;
      const object = memory.readOnce(c + CPU_FREELIST);
      const page = memory.readOnce(c + CPU_PAGE);
      if (object === 0 || !this.nodeMatch(page, node)) return this.allocSlow(s, gfp, node);
      // The object may have another owner by now and this pointer be garbage; then the swap fails.
      const next = this.getFreepointerSafe(s, object, memory.read32(s + CACHE_OFFSET));
      if (this.updateCpuFreelistFast(cpuSlab, object, tid, next)) {
        memory.thisCpuAdd(cpuSlab + COUNT_ALLOC_FASTPATH, 1);
        return (gfp & GFP_ZERO) === 0 ? object : this.zeroed(s, object);
      }
      this.countSwapFailure(cpuSlab);
    }
  }

  /** node_match. A list without a page matches nothing: a flush may have come between the reads. */
  protected nodeMatch(page: PagePtr, node: number): boolean {
    return page !== 0 && (node === NO_NODE || this.isOfNode(page, node));
  }

  private isOfNode(page: PagePtr, node: number): boolean {
    return this.context.pages.pageToNid(page) === node;
  }

  /** get_freepointer_safe, as FreePointers has it; `offset` is the cache's. */
  protected getFreepointerSafe(_s: KmemCachePtr, object: Address, offset: number): Address {
    return this.memory.readRacy(object + offset);
  }

  /** set_freepointer, likewise. */
  protected setFreepointer(_s: KmemCachePtr, object: Address, offset: number, next: Address): void {
    this.memory.write32(object + offset, next);
  }

  /** __update_cpu_freelist_fast: replaces the head of this CPU's list if nothing has happened. */
  protected updateCpuFreelistFast(
    cpuSlab: Address,
    head: Address,
    tid: number,
    newHead: Address,
  ): boolean {
    return this.memory.thisCpuCmpxchgDouble(cpuSlab, head, tid, newHead, (tid + STEP) | 0);
  }

  private countSwapFailure(cpuSlab: Address): void {
    this.memory.thisCpuAdd(cpuSlab + COUNT_CPU_FAIL, 1);
  }

  private allocSlow(s: KmemCachePtr, gfp: number, node: number): Address {
    const object = this.slowAllocation.allocate(s, gfp, node);
    this.context.stat(s, ALLOC_SLOWPATH);
    return object === 0 || (gfp & GFP_ZERO) === 0 ? object : this.zeroed(s, object);
  }

  protected zeroed(s: KmemCachePtr, object: Address): Address {
    this.memory.fill(object, 0, this.memory.read32(s + KmemCache.objectSize));
    return object;
  }

  slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
    this.slabFreeChain(s, page, object, object, 1);
  }

  /** slab_free of `count` objects of one slab, linked from head to tail. */
  slabFreeChain(s: KmemCachePtr, page: PagePtr, head: Address, tail: Address, count: number): void {
    const { memory } = this;
    const cpuSlab = memory.read32(s + CACHE_CPU_SLAB);
    for (;;) {
      // As in slabAllocNode: if this CPU gives the slab up after it was compared, tid has moved on.
      const tid = memory.thisCpuRead(cpuSlab + CPU_TID);
      const c = memory.thisCpuPtr(cpuSlab);
      if (memory.readOnce(c + CPU_TID) !== tid) continue;
      if (memory.readOnce(c + CPU_PAGE) !== page) {
        this.slowFree.free(s, page, head, tail, count);
        return;
      }
      const freelist = memory.readOnce(c + CPU_FREELIST);
      // The object is still the caller's, so each try may write it.
      this.setFreepointer(s, tail, memory.read32(s + CACHE_OFFSET), freelist);
      if (this.updateCpuFreelistFast(cpuSlab, freelist, tid, head)) {
        memory.thisCpuAdd(cpuSlab + COUNT_FREE_FASTPATH, 1);
        return;
      }
      this.countSwapFailure(cpuSlab);
    }
  }

  allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    return this.bulk.alloc(s, gfp, size, p);
  }

  freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
    this.bulk.free(s, size, p);
  }
}
