// SPDX-License-Identifier: GPL-2.0-only
/**
 * Slabs come and go here: pages from the page allocator cut into objects (new_slab), and given back
 * when the last object is home (discard_slab), after a grace period where the cache asks for it.
 *
 * No other context can reach a new slab, so it is written by plain stores; it is frozen. The page
 * allocator may sleep: interrupts are on while it is asked, and all that the caller knew of its CPU
 * is stale afterwards.
 */
import { SLAB_POISON, SLAB_RECLAIM_ACCOUNT, SLAB_TYPESAFE_BY_RCU } from "../caches/flags.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { __GFP_NOFAIL, __GFP_NORETRY, __GFP_NOWARN, __GFP_WAIT, __GFP_ZERO } from "../pages/gfp.ts";
import { Page, type PagePtr, PG_SLAB } from "../pages/page.ts";
import { NR_SLAB_RECLAIMABLE, NR_SLAB_UNRECLAIMABLE } from "../pages/pages.ts";
import { objectsOf, packCounters } from "./counters.ts";
import { POISON_INUSE } from "./debug/object-layout.ts";
import type { FreePointers } from "./free-pointers.ts";
import type { ObjectDebugging } from "./object-debugging.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, KmemCacheNode, type KmemCachePtr, ooObjects, ooOrder } from "./structs.ts";

export interface SlabPagesParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly debugging: ObjectDebugging;
}

export class SlabPages {
  declare protected readonly parts: SlabPagesParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  /** Number of the callback that gives a slab back after its grace period. */
  declare private readonly rcuFreeSlab: number;

  constructor(parts: SlabPagesParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.rcuFreeSlab = parts.context.machine.functions.register((head) => {
      const page = head - Page.rcu;
      this.freeSlabNow(this.memory.read32(page + Page.slabCache), page);
    });
  }

  /** new_slab: a frozen slab, all objects on page->freelist and counted as in use; 0: no memory. */
  newSlab(s: KmemCachePtr, gfp: number, node: number): PagePtr {
    const { memory } = this;
    const page = this.allocateSlab(s, gfp & ~__GFP_ZERO, node);
    if (page === 0) return 0;
    const order = this.context.pages.compoundOrder(page);
    const objects = memory.read32(page + Page.counters);
    this.countNewSlab(s, page, objects);
    memory.write32(page + Page.slabCache, s);
    memory.write32(page + Page.flags, memory.read32(page + Page.flags) | PG_SLAB);
    const start = this.context.pages.pageAddress(page);
    if ((memory.read32(s + KmemCache.flags) & SLAB_POISON) !== 0) {
      memory.fill(start, POISON_INUSE, PAGE_SIZE << order);
    }
    // A constructor may already ask about its object.
    memory.write32(page + Page.counters, packCounters(objects, objects, true));
    const first = this.linkObjects(s, start, objects);
    if (first === 0) return this.abandon(s, page, objects);
    memory.write32(page + Page.freelist, first);
    this.context.common.groups?.slabMade(s, page);
    return page;
  }

  /** A constructor has failed: the slab goes back as if there had been no memory for it. */
  private abandon(s: KmemCachePtr, page: PagePtr, objects: number): PagePtr {
    this.uncountNewSlab(s, page, objects);
    this.givePagesBack(s, page);
    return 0;
  }

  /** Sets all objects up and chains them in ascending order; returns the first, or 0. */
  protected linkObjects(s: KmemCachePtr, start: Address, objects: number): Address {
    const size = this.memory.read32(s + KmemCache.size);
    const first = start + this.memory.read32(s + KmemCache.redLeftPad);
    const { freePointers } = this.parts;
    const plain = !this.context.isDebug(s) && this.memory.read32(s + KmemCache.ctor) === 0;
    for (let i = 0, object = first; i < objects; i++, object += size) {
      if (!plain && !this.setupObject(s, object)) return 0;
      freePointers.set(s, object, i < objects - 1 ? object + size : 0);
    }
    return first;
  }

  /** setup_object: once in the life of a slab, not per allocation. False: its constructor has failed. */
  protected setupObject(s: KmemCachePtr, object: Address): boolean {
    const { memory } = this;
    if (this.context.isDebug(s)) this.parts.debugging.setupObject(s, object);
    const ctor = memory.read32(s + KmemCache.ctor);
    return ctor === 0 || this.context.machine.functions.construct(ctor, object);
  }

  /**
   * allocate_slab: pages of the preferred order, else of the least that holds an object. Leaves the
   * number of objects in page->counters.
   */
  private allocateSlab(s: KmemCachePtr, gfp: number, node: number): PagePtr {
    const { memory } = this;
    this.enterPageAllocator(gfp);
    const flags = gfp | memory.read32(s + KmemCache.allocflags);
    let oo = memory.readOnce(s + KmemCache.oo);
    let page = this.allocSlabPage(
      s,
      (flags | __GFP_NOWARN | __GFP_NORETRY) & ~__GFP_NOFAIL,
      ooOrder(oo),
      node,
    );
    if (page === 0) {
      oo = memory.readOnce(s + KmemCache.min);
      page = this.allocSlabPage(s, flags, ooOrder(oo), node);
      if (page !== 0) this.context.stat(s, this.context.events.orderFallback);
    }
    this.leavePageAllocator(gfp);
    if (page === 0) return 0;
    this.countPages(s, page, 1 << ooOrder(oo));
    memory.write32(page + Page.counters, ooObjects(oo));
    return page;
  }

  /** alloc_slab_page: with a node given others help out by distance, but for __GFP_THISNODE. */
  protected allocSlabPage(s: KmemCachePtr, gfp: number, order: number, node: number): PagePtr {
    const { common, pages } = this.context;
    if (common.groups?.chargeSlab(s, order) === false) return 0;
    const page = pages.allocPages(gfp, order, node);
    if (page === 0) common.groups?.unchargeSlab(s, order);
    return page;
  }

  protected enterPageAllocator(gfp: number): void {
    if ((gfp & __GFP_WAIT) !== 0) this.memory.irqEnable();
  }

  protected leavePageAllocator(gfp: number): void {
    if ((gfp & __GFP_WAIT) !== 0) this.memory.irqDisable();
  }

  private countPages(s: KmemCachePtr, page: PagePtr, n: number): void {
    const reclaimable = (this.memory.read32(s + KmemCache.flags) & SLAB_RECLAIM_ACCOUNT) !== 0;
    this.context.pages.modNodePageState(
      page,
      reclaimable ? NR_SLAB_RECLAIMABLE : NR_SLAB_UNRECLAIMABLE,
      n,
    );
  }

  protected countNewSlab(s: KmemCachePtr, page: PagePtr, objects: number): void {
    this.incSlabsNode(s, page, objects);
  }

  protected uncountNewSlab(s: KmemCachePtr, page: PagePtr, objects: number): void {
    this.decSlabsNode(s, page, objects);
  }

  /** inc_slabs_node: skipped while the cache has no node struct yet (bootstrap). */
  incSlabsNode(s: KmemCachePtr, page: PagePtr, objects: number): void {
    const n = this.context.nodeOfPage(s, page);
    if (n === 0) return;
    this.memory.add(n + KmemCacheNode.nrSlabs, 1);
    this.memory.add(n + KmemCacheNode.totalObjects, objects);
  }

  /** dec_slabs_node */
  decSlabsNode(s: KmemCachePtr, page: PagePtr, objects: number): void {
    const n = this.context.nodeOfPage(s, page);
    this.memory.add(n + KmemCacheNode.nrSlabs, -1);
    this.memory.add(n + KmemCacheNode.totalObjects, -objects);
  }

  /** discard_slab: the slab is empty and on no list; never called with a list_lock held. */
  discard(s: KmemCachePtr, page: PagePtr): void {
    this.decSlabsNode(s, page, objectsOf(this.memory.readOnce(page + Page.counters)));
    this.freeSlab(s, page);
  }

  /** free_slab: at once, or after a grace period if readers may still look at its objects. */
  freeSlab(s: KmemCachePtr, page: PagePtr): void {
    if ((this.memory.read32(s + KmemCache.flags) & SLAB_TYPESAFE_BY_RCU) !== 0) {
      this.context.machine.rcu.call(page + Page.rcu, this.rcuFreeSlab);
    } else {
      this.freeSlabNow(s, page);
    }
  }

  /** free_new_slab_nolock: a new slab of which no reader can know. */
  freeUnseen(s: KmemCachePtr, page: PagePtr): void {
    this.freeSlabNow(s, page);
  }

  /** __free_slab */
  protected freeSlabNow(s: KmemCachePtr, page: PagePtr): void {
    if (this.context.isDebug(s)) this.parts.debugging.checkFreedSlab(s, page);
    this.givePagesBack(s, page);
  }

  protected givePagesBack(s: KmemCachePtr, page: PagePtr): void {
    const { memory } = this;
    const { common, pages } = this.context;
    const order = pages.compoundOrder(page);
    common.groups?.slabGoes(page);
    this.countPages(s, page, -(1 << order));
    memory.write32(page + Page.flags, memory.read32(page + Page.flags) & ~PG_SLAB);
    memory.write32(page + Page.slabCache, 0);
    pages.mapcountReset(page);
    pages.freePages(page, order);
    common.groups?.unchargeSlab(s, order);
  }
}
