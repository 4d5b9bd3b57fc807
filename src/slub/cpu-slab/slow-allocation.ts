/**
 * __slab_alloc: the private list is empty, or of the wrong node. In order: what others have freed
 * into the cpu slab, the next slab of the cpu partial list, partial slabs of the nodes, a new slab.
 *
 * Interrupts are off, so nothing on this CPU comes in between, except while a new slab is asked for.
 */

import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_NOWARN, __GFP_THISNODE } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { objectsOf, withFrozen, withInuse } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { ObjectDebugging } from "../object-debugging.ts";
import type { PageSwap } from "../page-swap.ts";
import type { SlabPages } from "../slab-pages.ts";
import type { SlubContext } from "../slub-context.ts";
import {
  ALLOC_NODE_MISMATCH,
  ALLOC_REFILL,
  ALLOC_SLAB,
  CPU_PARTIAL_ALLOC,
  DEACTIVATE_BYPASS,
} from "../statistics.ts";
import {
  KmemCache,
  KmemCacheCpu,
  type KmemCacheCpuPtr,
  type KmemCachePtr,
  nextTid,
} from "../structs.ts";
import type { Deactivation } from "./deactivation.ts";
import type { PartialSearch } from "./partial-search.ts";

const CACHE_CPU_SLAB = KmemCache.cpuSlab;
const CPU_PAGE = KmemCacheCpu.page;
const CPU_PARTIAL = KmemCacheCpu.partial;
const PAGE_NEXT = Page.next;
const CPU_FREELIST = KmemCacheCpu.freelist;
const PAGE_FREELIST = Page.freelist;
const PAGE_COUNTERS = Page.counters;
const CPU_TID = KmemCacheCpu.tid;

export class SlowAllocation {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare protected readonly freePointers: FreePointers;
  declare protected readonly pageSwap: PageSwap;
  declare protected readonly slabPages: SlabPages;
  declare protected readonly deactivation: Deactivation;
  declare protected readonly partialSearch: PartialSearch;
  declare protected readonly debugging: ObjectDebugging;

  constructor(
    context: SlubContext,
    freePointers: FreePointers,
    pageSwap: PageSwap,
    slabPages: SlabPages,
    deactivation: Deactivation,
    partialSearch: PartialSearch,
    debugging: ObjectDebugging,
  ) {
    this.context = context;
    this.memory = context.memory;
    this.freePointers = freePointers;
    this.pageSwap = pageSwap;
    this.slabPages = slabPages;
    this.deactivation = deactivation;
    this.partialSearch = partialSearch;
    this.debugging = debugging;
  }

  /** __slab_alloc, from anywhere. */
  allocate(s: KmemCachePtr, gfp: number, node: number): Address {
    // Page 0 is all zero, so a cache that could not be made has an empty list and ends up here.
    if (s === 0) throw new KernelBug("bad-access", "kmem_cache_alloc: the cache is NULL");
    const wanted = node === NUMA_NO_NODE ? node : this.nodeFor(node);
    if (wanted !== node && (gfp & __GFP_THISNODE) !== 0) return 0;
    const flags = this.memory.irqSave();
    const object = this.allocateIrqsOff(s, gfp, wanted);
    this.memory.irqRestore(flags);
    return object;
  }

  /**
   * A node without memory is served by the nearest that has some; one that the machine does not have
   * by any.
   */
  private nodeFor(node: number): number {
    const { machine, pages } = this.context;
    const isHere = node >= 0 && node < machine.options.nodes;
    return isHere ? pages.memoryNode(node) : NUMA_NO_NODE;
  }

  /** The same with interrupts off; they may have been on in between. */
  allocateIrqsOff(s: KmemCachePtr, gfp: number, node: number): Address {
    const { memory } = this;
    const c = memory.thisCpuPtr(memory.read32(s + CACHE_CPU_SLAB));
    let page = memory.read32(c + CPU_PAGE);
    for (;;) {
      if (page === 0 && memory.read32(c + CPU_PARTIAL) !== 0) page = this.popCpuPartial(s, c);
      if (page === 0) return this.allocateFromNewSlab(s, gfp, node);
      const freelist = this.takeFromCpuSlab(s, node, c, page);
      if (freelist !== 0) return this.loadFreelist(s, c, freelist);
      page = 0;
    }
  }

  private popCpuPartial(s: KmemCachePtr, c: KmemCacheCpuPtr): PagePtr {
    const { memory } = this;
    const page = memory.read32(c + CPU_PARTIAL);
    memory.writeOnce(c + CPU_PAGE, page);
    memory.writeOnce(c + CPU_PARTIAL, memory.readOnce(page + PAGE_NEXT));
    this.context.stat(s, CPU_PARTIAL_ALLOC);
    memory.write32(c + CPU_FREELIST, 0);
    return page;
  }

  /** Free objects of the cpu slab if it serves the request; otherwise it is given up, and 0. */
  private takeFromCpuSlab(
    s: KmemCachePtr,
    node: number,
    c: KmemCacheCpuPtr,
    page: PagePtr,
  ): Address {
    if (!this.nodeMatches(page, node)) {
      this.context.stat(s, ALLOC_NODE_MISMATCH);
      this.deactivation.deactivate(s, page, this.memory.read32(c + CPU_FREELIST));
      this.deactivation.dropCpuSlab(c);
      return 0;
    }
    const refilled = this.recheckFreelist(c);
    if (refilled !== 0) return refilled;
    const freelist = this.getFreelist(s, page);
    if (freelist === 0) {
      this.deactivation.dropCpuSlab(c);
      this.context.stat(s, DEACTIVATE_BYPASS);
    } else {
      this.context.stat(s, ALLOC_REFILL);
    }
    return freelist;
  }

  private nodeMatches(page: PagePtr, node: number): boolean {
    return node === NUMA_NO_NODE || this.context.pages.pageToNid(page) === node;
  }

  /**
   * Before interrupts went off an interrupt may have freed to this list, or this task may have moved
   * to a CPU whose list is not empty: what lies there must not be overwritten (73736e0387ba).
   */
  protected recheckFreelist(c: KmemCacheCpuPtr): Address {
    return this.memory.read32(c + CPU_FREELIST);
  }

  /**
   * get_freelist: takes all that was freed into the frozen slab, or, if there is nothing, unfreezes
   * it in the same swap: then it is full and on no list.
   */
  getFreelist(s: KmemCachePtr, page: PagePtr): Address {
    const { memory } = this;
    for (;;) {
      const freelist = memory.readOnce(page + PAGE_FREELIST);
      const counters = memory.readOnce(page + PAGE_COUNTERS);
      const taken = withFrozen(withInuse(counters, objectsOf(counters)), freelist !== 0);
      if (this.pageSwap.swap(s, page, freelist, counters, 0, taken)) return freelist;
    }
  }

  /** load_freelist: the first object is the caller's, the rest the CPU's private list. */
  private loadFreelist(s: KmemCachePtr, c: KmemCacheCpuPtr, freelist: Address): Address {
    const { memory } = this;
    memory.write32(c + CPU_FREELIST, this.freePointers.get(s, freelist));
    memory.write32(c + CPU_TID, nextTid(memory.read32(c + CPU_TID)));
    return freelist;
  }

  private allocateFromNewSlab(s: KmemCachePtr, gfp: number, node: number): Address {
    const { memory } = this;
    for (;;) {
      const c = memory.thisCpuPtr(memory.read32(s + CACHE_CPU_SLAB));
      const listed = this.partialSearch.getPartial(s, gfp, node, c);
      const freelist = listed !== 0 ? listed : this.installNewSlab(s, gfp, node);
      if (freelist === 0) {
        if ((gfp & __GFP_NOWARN) === 0) this.outOfMemory(s, gfp, node);
        return 0;
      }
      // A new slab may have been installed on another CPU than the one the search began on.
      const now = memory.thisCpuPtr(memory.read32(s + CACHE_CPU_SLAB));
      if (!this.context.isDebug(s)) return this.loadFreelist(s, now, freelist);
      if (this.takeDebugObject(s, now, freelist)) return freelist;
    }
  }

  /** A debug cache keeps no cpu slab: one object is taken and the slab goes back at once. */
  private takeDebugObject(s: KmemCachePtr, c: KmemCacheCpuPtr, freelist: Address): boolean {
    const page = this.memory.read32(c + CPU_PAGE);
    const fit = this.debugging.allocDebugProcessing(s, page, freelist);
    // A slab that failed has no free objects left and goes where full ones are.
    this.deactivation.deactivate(s, page, fit ? this.freePointers.get(s, freelist) : 0);
    this.deactivation.dropCpuSlab(c);
    return fit;
  }

  /** The second half of new_slab_objects: a new slab becomes this CPU's. */
  private installNewSlab(s: KmemCachePtr, gfp: number, node: number): Address {
    const { memory } = this;
    const page = this.slabPages.newSlab(s, gfp, node);
    if (page === 0) return 0;
    const c = memory.thisCpuPtr(memory.read32(s + CACHE_CPU_SLAB));
    this.flushIntruder(s, c);
    // Nobody else can reach the slab yet.
    const freelist = memory.read32(page + PAGE_FREELIST);
    memory.write32(page + PAGE_FREELIST, 0);
    this.context.stat(s, ALLOC_SLAB);
    memory.writeOnce(c + CPU_PAGE, page);
    return freelist;
  }

  /**
   * While pages were asked for, interrupts were on: another context may have installed a slab on
   * this CPU, or this task may have moved to a CPU that has one (05aa345034de).
   */
  protected flushIntruder(s: KmemCachePtr, c: KmemCacheCpuPtr): void {
    if (this.memory.read32(c + CPU_PAGE) !== 0) this.deactivation.flushSlab(s, c);
  }

  /** slab_out_of_memory */
  private outOfMemory(s: KmemCachePtr, gfp: number, node: number): void {
    const { console } = this.context.machine;
    console.printk(
      `SLUB: Unable to allocate memory on node ${node} (gfp=0x${gfp.toString(16)}), cache ${this.context.common.nameOf(s)}`,
    );
  }
}
