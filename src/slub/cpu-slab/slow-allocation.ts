// SPDX-License-Identifier: GPL-2.0-only
/**
 * __slab_alloc: the private list is empty, or of the wrong node. In order: the objects that other
 * CPUs have freed into the cpu slab, the next slab of the cpu partial list, partial slabs of the
 * nodes, a new slab.
 *
 * Interrupts are off, so nothing on this CPU comes in between, except while a new slab is asked for.
 */
import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_THISNODE } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { objectsOf, withFrozen, withInuse } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { NodePartial } from "../node-partial.ts";
import type { ObjectDebugging } from "../object-debugging.ts";
import { OutOfMemory } from "../out-of-memory.ts";
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
import type { KmemCacheCpuPtr, KmemCachePtr } from "../structs.ts";
import type { CpuSlab } from "./cpu-slab.ts";
import type { Deactivation } from "./deactivation.ts";
import type { CpuSlabFront } from "./front.ts";
import type { PartialSearch } from "./partial-search.ts";

export interface SlowAllocationParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly pageSwap: PageSwap;
  readonly nodePartial: NodePartial;
  readonly slabPages: SlabPages;
  readonly debugging: ObjectDebugging;
  readonly cpuSlab: CpuSlab;
  readonly front: CpuSlabFront;
  readonly deactivation: Deactivation;
  readonly partialSearch: PartialSearch;
}

export class SlowAllocation {
  declare protected readonly parts: SlowAllocationParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare private readonly outOfMemory: OutOfMemory;

  constructor(parts: SlowAllocationParts) {
    this.parts = parts;
    this.outOfMemory = new OutOfMemory(parts);
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** __slab_alloc, from anywhere. */
  allocate(s: KmemCachePtr, gfp: number, node: number): Address {
    // Page 0 is all zero, so a cache that could not be made has an empty list and ends up here.
    if (s === 0) throw new KernelBug("bad-access", "kmem_cache_alloc: the cache is NULL");
    const wanted = node === NUMA_NO_NODE ? node : this.nodeFor(node);
    if (wanted !== node && (gfp & __GFP_THISNODE) !== 0) return 0;
    return this.enter(s, gfp, wanted);
  }

  protected enter(s: KmemCachePtr, gfp: number, node: number): Address {
    const flags = this.memory.irqSave();
    const object = this.allocateHere(s, gfp, node);
    this.memory.irqRestore(flags);
    return object;
  }

  /**
   * A node without memory is served by the nearest node with memory; a node that the machine does not
   * have, by any node.
   */
  protected nodeFor(node: number): number {
    const { machine, pages } = this.context;
    const isHere = node >= 0 && node < machine.options.nodes;
    return isHere ? pages.memoryNode(node) : NUMA_NO_NODE;
  }

  /** The same on this CPU, with interrupts off; they may have been on in between. */
  allocateHere(s: KmemCachePtr, gfp: number, node: number): Address {
    const { cpuSlab } = this.parts;
    const c = cpuSlab.here(s);
    let page = cpuSlab.page(c);
    for (;;) {
      if (page === 0) page = this.nextPartial(s, c);
      if (page === 0) return this.allocateFromNewSlab(s, gfp, node);
      const freelist = this.fits(s, page, node, gfp)
        ? this.takeFromCpuSlab(s, c, page)
        : this.giveUpCpuSlab(s, c, page);
      if (freelist !== 0) return cpuSlab.load(s, c, freelist);
      page = 0;
    }
  }

  protected nextPartial(s: KmemCachePtr, c: KmemCacheCpuPtr): PagePtr {
    const page = this.parts.cpuSlab.installPartial(c);
    if (page !== 0) this.context.stat(s, CPU_PARTIAL_ALLOC);
    return page;
  }

  private giveUpCpuSlab(s: KmemCachePtr, c: KmemCacheCpuPtr, page: PagePtr): 0 {
    const { cpuSlab, deactivation } = this.parts;
    deactivation.deactivate(s, page, cpuSlab.freelist(c));
    cpuSlab.drop(c);
    return 0;
  }

  /** The free objects of the cpu slab; or 0, and the slab was given up: it is full. */
  private takeFromCpuSlab(s: KmemCachePtr, c: KmemCacheCpuPtr, page: PagePtr): Address {
    const { cpuSlab } = this.parts;
    const refilled = this.recheckFreelist(c);
    if (refilled !== 0) return refilled;
    const freelist = this.getFreelist(s, page);
    if (freelist === 0) {
      cpuSlab.drop(c);
      this.context.stat(s, DEACTIVATE_BYPASS);
    } else {
      this.context.stat(s, ALLOC_REFILL);
    }
    return freelist;
  }

  /** Whether the cpu slab will do. */
  protected fits(s: KmemCachePtr, page: PagePtr, node: number, gfp: number): boolean {
    if (this.matches(page, node, gfp)) return true;
    if (!this.nodeMatches(page, node)) this.context.stat(s, ALLOC_NODE_MISMATCH);
    return false;
  }

  /** node_match, and pfmemalloc_match where slabs may be of the reserves. */
  protected matches(page: PagePtr, node: number, _gfp: number): boolean {
    return this.nodeMatches(page, node);
  }

  protected nodeMatches(page: PagePtr, node: number): boolean {
    return node === NUMA_NO_NODE || this.context.pages.pageToNid(page) === node;
  }

  /**
   * Before interrupts went off an interrupt may have freed to this list, or this task may have moved
   * to a CPU whose list is not empty: the objects there must not be overwritten (73736e0387ba).
   */
  protected recheckFreelist(c: KmemCacheCpuPtr): Address {
    return this.parts.cpuSlab.freelist(c);
  }

  /**
   * get_freelist: takes all objects that were freed into the frozen slab. If there are none, the same
   * swap unfreezes the slab: it is full, and on no list.
   */
  getFreelist(s: KmemCachePtr, page: PagePtr): Address {
    const { memory } = this;
    for (;;) {
      const freelist = memory.readOnce(page + Page.freelist);
      const counters = memory.readOnce(page + Page.counters);
      const taken = withFrozen(withInuse(counters, objectsOf(counters)), freelist !== 0);
      if (this.parts.pageSwap.swap(s, page, freelist, counters, 0, taken)) return freelist;
    }
  }

  private allocateFromNewSlab(s: KmemCachePtr, gfp: number, node: number): Address {
    const { cpuSlab, partialSearch } = this.parts;
    for (;;) {
      const listed = partialSearch.getPartial(s, gfp, node, cpuSlab.here(s));
      const freelist = listed !== 0 ? listed : this.installNewSlab(s, gfp, node);
      if (freelist === 0) return this.withoutMemory(s, gfp, node);
      // A new slab may have been installed on another CPU than the one the search began on.
      const c = cpuSlab.here(s);
      if (!this.context.isDebug(s)) return cpuSlab.load(s, c, freelist);
      if (this.takeDebugObject(s, c, freelist)) return freelist;
    }
  }

  /** A debug cache keeps no cpu slab: one object is taken and the slab goes back at once. */
  private takeDebugObject(s: KmemCachePtr, c: KmemCacheCpuPtr, freelist: Address): boolean {
    const { freePointers, debugging, cpuSlab, deactivation } = this.parts;
    const page = cpuSlab.page(c);
    const fit = debugging.allocDebugProcessing(s, page, freelist);
    // A slab that failed has no free objects left and goes where full ones are.
    deactivation.deactivate(s, page, fit ? freePointers.get(s, freelist) : 0);
    cpuSlab.drop(c);
    return fit;
  }

  /** The second half of new_slab_objects: a new slab becomes this CPU's. */
  private installNewSlab(s: KmemCachePtr, gfp: number, node: number): Address {
    const { memory } = this;
    const { cpuSlab, slabPages } = this.parts;
    const page = slabPages.newSlab(s, gfp, node);
    if (page === 0) return 0;
    const c = cpuSlab.here(s);
    this.flushIntruder(s, c);
    // No other context can reach the slab yet.
    const freelist = memory.read32(page + Page.freelist);
    memory.write32(page + Page.freelist, 0);
    this.context.stat(s, ALLOC_SLAB);
    cpuSlab.install(c, page);
    return freelist;
  }

  /**
   * While pages were asked for, interrupts were on: another context may have installed a slab on
   * this CPU, or this task may have moved to a CPU that has one (05aa345034de).
   */
  protected flushIntruder(s: KmemCachePtr, c: KmemCacheCpuPtr): void {
    const { cpuSlab, front } = this.parts;
    if (cpuSlab.page(c) !== 0) front.flushSlab(s, c);
  }

  protected withoutMemory(s: KmemCachePtr, gfp: number, node: number): 0 {
    this.outOfMemory.report(s, gfp, node);
    return 0;
  }
}
