// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB, the allocator with queues: the two fast paths, and the parts they fall back on. The whole
 * story, with a picture and the exhibit behind each claim: docs/slab.md.
 *
 *      this CPU's array     <->   the node's shared array   <->   the node's slabs
 *      (interrupts off)           (list_lock)                     (list_lock)
 *
 * The problem is SLUB's: objects of one size, on all CPUs and in interrupts, and pages that come
 * back. The answer is a queue a CPU: an allocation takes the object that this CPU freed last, a free
 * puts it there, and objects move between the queues in batches, so that one lock serves many of
 * them. Why the simple ideas fail:
 *
 *   - The array with interrupts on: an interrupt before `avail` is lowered gets the same object
 *     (museum S19). No other CPU touches the array, so interrupts off is all the protection it needs.
 *   - An array that was looked up before memory was asked for: the task may be elsewhere by now (S20).
 *   - Slabs destroyed with a lock held or before the array forgets its entries: that frees an index
 *     array, to the same queue or through another node's locks (R29, R35).
 *   - Queues without limit: all free memory would lie in them. Hence limit, free_limit, the reaper.
 *   - Objects of another node in the array: its node's lock would be taken for each. They wait in
 *     alien caches and go home together.
 *
 * A free object is in one of these places:
 *
 *   1. a CPU's array: that CPU, interrupts off
 *   2. the shared array of its node: list_lock
 *   3. an alien cache of another node: that cache's lock, and the home node's list_lock inside it
 *   4. its slab, by number in the index array: list_lock
 *
 * A slab, always under the list_lock of its node but for the first and the last state:
 *
 *   1. new: known to its maker, who may sleep (Grow.begin)
 *   2. free, 3. partial, 4. full: on the list that its count of objects calls for (NodeLists)
 *   5. gone: off the lists, destroyed after every lock is dropped (SlabPages.destroy)
 */
import type { Allocator } from "../caches/allocator.ts";
import { kmallocIndex, kmallocShiftHigh, kmallocShiftLow } from "../caches/kmalloc-sizes.ts";
import type { SlabCommon } from "../caches/slab-common.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { __GFP_ZERO } from "../pages/gfp.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import { pushObject } from "./array-cache.ts";
import type { SlabParts } from "./parts.ts";
import { SlabContext } from "./slab-context.ts";
import { ALLOCHIT, FREEHIT, FREEMISS } from "./statistics.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  COUNTERS,
  ENTRY,
  KmemCache,
  type KmemCachePtr,
} from "./structs.ts";
import { heapObjectError } from "./usercopy.ts";

// Local names: see machine/inlining.ts.
const NO_NODE = NUMA_NO_NODE;
const GFP_ZERO = __GFP_ZERO;
const CPU_ARRAY = KmemCache.cpuSlab;
const AVAIL = ArrayCache.avail;
const LIMIT = ArrayCache.limit;
const TOUCHED = ArrayCache.touched;
const ENTRIES = ENTRY;
const COUNT_ALLOCHIT = COUNTERS + (ALLOCHIT << 2);
const COUNT_FREEHIT = COUNTERS + (FREEHIT << 2);

export class Slab implements Allocator {
  readonly name = "slab";
  readonly kmallocShiftLow = kmallocShiftLow("slab");
  declare readonly kmallocShiftHigh: number;

  declare readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare readonly storage: InstanceType<SlabParts["Storage"]>;
  declare readonly clock: InstanceType<SlabParts["Clock"]>;
  declare readonly indexes: InstanceType<SlabParts["IndexArray"]>;
  declare readonly lists: InstanceType<SlabParts["NodeLists"]>;
  declare readonly slabPages: InstanceType<SlabParts["SlabPages"]>;
  declare readonly grow: InstanceType<SlabParts["Grow"]>;
  declare readonly refill: InstanceType<SlabParts["Refill"]>;
  declare readonly freeBlock: InstanceType<SlabParts["FreeBlock"]>;
  declare readonly flush: InstanceType<SlabParts["Flush"]>;
  declare readonly aliens: InstanceType<SlabParts["AlienCaches"]>;
  declare readonly nodeAllocation: InstanceType<SlabParts["NodeAllocation"]>;
  declare readonly drain: InstanceType<SlabParts["Drain"]>;
  declare readonly nodeSetup: InstanceType<SlabParts["NodeSetup"]>;
  declare readonly tuning: InstanceType<SlabParts["Tuning"]>;
  declare readonly reaper: InstanceType<SlabParts["Reaper"]>;
  declare readonly lifetime: InstanceType<SlabParts["CacheLifetime"]>;
  declare readonly bootstrap: InstanceType<SlabParts["Bootstrap"]>;
  declare readonly bulk: InstanceType<SlabParts["Bulk"]>;
  declare readonly hotplug: InstanceType<SlabParts["Hotplug"]>;
  declare private readonly hasOtherNodes: boolean;

  constructor(common: SlabCommon, parts: SlabParts) {
    const context = new SlabContext(common);
    this.kmallocShiftHigh = kmallocShiftHigh("slab", common.kernel);
    this.context = context;
    this.memory = context.memory;
    this.hasOtherNodes = context.nodes > 1;
    // Each part takes what it needs from those above it.
    this.storage = new parts.Storage(this);
    this.clock = new parts.Clock(this);
    this.indexes = new parts.IndexArray(this);
    this.lists = new parts.NodeLists(this);
    this.slabPages = new parts.SlabPages(this);
    this.grow = new parts.Grow(this);
    this.refill = new parts.Refill(this);
    this.freeBlock = new parts.FreeBlock(this);
    this.flush = new parts.Flush(this);
    this.aliens = new parts.AlienCaches(this);
    this.nodeAllocation = new parts.NodeAllocation(this);
    this.drain = new parts.Drain(this);
    this.nodeSetup = new parts.NodeSetup(this);
    this.tuning = new parts.Tuning(this);
    this.reaper = new parts.Reaper(this);
    this.lifetime = new parts.CacheLifetime(this);
    this.bootstrap = new parts.Bootstrap(this);
    this.bulk = new parts.Bulk(this);
    this.hotplug = new parts.Hotplug(this);
  }

  /** slab_alloc_node */
  slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
    const { memory } = this;
    const flags = memory.irqSave();
    // From here on nothing else runs on this CPU, and its array is ours.
    const ac = memory.thisCpuPtr(memory.readOnce(s + CPU_ARRAY));
    const avail = memory.read32(ac + AVAIL) - 1;
    if (avail < 0 || node !== NO_NODE) return this.allocSlow(s, gfp, node, flags);
    memory.write32(ac + TOUCHED, 1);
    memory.write32(ac + AVAIL, avail);
    const object = memory.read32(ac + ENTRIES + (avail << 2));
    memory.count(ac + COUNT_ALLOCHIT, 1);
    memory.irqRestore(flags);
    if ((gfp & GFP_ZERO) !== 0) this.zero(s, object);
    return object;
  }

  protected allocSlow(s: KmemCachePtr, gfp: number, node: number, flags: boolean): Address {
    if (s === 0) this.refuseNull(flags);
    const object = this.allocate(s, gfp, node);
    this.memory.irqRestore(flags);
    if (object !== 0 && (gfp & GFP_ZERO) !== 0) this.zero(s, object);
    return object;
  }

  /** Page 0 is all zero, so a cache that could not be made has an empty array and ends up here. */
  private refuseNull(flags: boolean): never {
    this.memory.irqRestore(flags);
    throw new KernelBug("bad-access", "kmem_cache_alloc: the cache is NULL");
  }

  /** __do_cache_alloc: an object or 0, by whichever way there is. Interrupts are off. */
  allocate(s: KmemCachePtr, gfp: number, node: number): Address {
    const local = this.context.localNode();
    const wanted = node === NO_NODE ? local : node;
    if (wanted === local) {
      const object = this.refill.allocate(s, gfp);
      if (object !== 0) return object;
    }
    return this.nodeAllocation.allocate(s, gfp, wanted);
  }

  zero(s: KmemCachePtr, object: Address): void {
    this.memory.fill(object, 0, this.memory.read32(s + KmemCache.objectSize));
  }

  slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
    const flags = this.memory.irqSave();
    this.free(s, page, object);
    this.memory.irqRestore(flags);
  }

  /** __cache_free. Interrupts are off. */
  free(s: KmemCachePtr, page: PagePtr, object: Address): void {
    const { memory } = this;
    if (this.isAlien(page)) {
      this.aliens.free(s, object, this.context.pages.pageToNid(page));
      return;
    }
    const ac = memory.thisCpuPtr(memory.readOnce(s + CPU_ARRAY));
    const avail = memory.read32(ac + AVAIL);
    if (avail >= memory.read32(ac + LIMIT)) {
      this.flushAndPush(s, ac, object);
      return;
    }
    memory.write32(ac + ENTRIES + (avail << 2), object);
    memory.write32(ac + AVAIL, avail + 1);
    memory.count(ac + COUNT_FREEHIT, 1);
  }

  private flushAndPush(s: KmemCachePtr, ac: ArrayCachePtr, object: Address): void {
    this.context.stat(s, FREEMISS);
    this.flush.flush(s, ac);
    pushObject(this.memory, ac, object);
  }

  isAlien(page: PagePtr): boolean {
    return this.hasOtherNodes && this.isOfOtherNode(page);
  }

  private isOfOtherNode(page: PagePtr): boolean {
    return this.context.pages.pageToNid(page) !== this.context.localNode();
  }

  kmallocIndexOf(size: number): number {
    return kmallocIndex("slab", size);
  }

  /** ksize: SLAB promises no more than was asked of the cache. */
  slabKsize(s: KmemCachePtr): number {
    return this.memory.read32(s + KmemCache.objectSize);
  }

  allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    return this.bulk.alloc(s, gfp, size, p);
  }

  freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
    this.bulk.free(s, size, p);
  }

  kmemCacheInit(): void {
    this.bootstrap.kmemCacheInit();
  }

  kmemCacheInitLate(): void {
    this.bootstrap.kmemCacheInitLate();
  }

  create(s: KmemCachePtr, flags: number): number {
    return this.lifetime.create(s, flags, (which, nid) => this.bootstrap.staticNode(which, nid));
  }

  shutdown(s: KmemCachePtr): boolean {
    return this.lifetime.shutdown(s);
  }

  release(s: KmemCachePtr): void {
    this.lifetime.release(s);
  }

  shrink(s: KmemCachePtr): number {
    return this.lifetime.shrink(s);
  }

  /** A dead SLAB child may cache objects again, until the reaper comes. */
  deactivate(s: KmemCachePtr): void {
    this.lifetime.shrink(s);
  }

  objToIndex(s: KmemCachePtr, page: PagePtr, object: Address): number {
    const start = this.memory.read32(page + Page.sMem);
    return Math.floor((object - start) / this.memory.read32(s + KmemCache.size));
  }

  objsPerSlab(s: KmemCachePtr): number {
    return this.memory.read32(s + KmemCache.num);
  }

  tune(s: KmemCachePtr, limit: number, batchcount: number, shared: number): number {
    return this.tuning.tune(s, limit, batchcount, shared);
  }

  tick(jiffies: number): void {
    this.reaper.tick(jiffies | 0);
  }

  heapObjectError(
    s: KmemCachePtr,
    page: PagePtr,
    address: Address,
    length: number,
  ): string | undefined {
    return heapObjectError(this, s, page, address, length);
  }
}
