// SPDX-License-Identifier: GPL-2.0-only
/**
 * __slab_alloc since Linux 5.15: the same order of places as before, but interrupts are off only where
 * the CPU's words are changed; preemption is off all along, except while a new slab is asked for. What
 * was read before interrupts went off is compared again. So the lists of the nodes are searched, and a
 * slab is given up, with interrupts on.
 *
 * Since 6.1 a debug cache has no cpu slab at all: single objects are taken from its node's lists, or
 * from a new slab that is listed at once (c7323a5ad078).
 */
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { objectsOf, packCounters } from "../counters.ts";
import { ADD_TO_HEAD } from "../node-partial.ts";
import { ALLOC_REFILL, ALLOC_SLAB, CPU_PARTIAL_ALLOC, DEACTIVATE_BYPASS } from "../statistics.ts";
import type { KmemCacheCpuPtr, KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";
import { SlowAllocation } from "./slow-allocation.ts";

export class SlowAllocationInterruptible extends SlowAllocation {
  protected override enter(s: KmemCachePtr, gfp: number, node: number): Address {
    const { memory } = this;
    memory.preemptDisable();
    const object = this.allocateHere(s, gfp, node);
    memory.preemptEnable();
    return object;
  }

  /** A node without memory binds nobody (slab_nodes). */
  protected override nodeFor(node: number): number {
    const { machine, pages } = this.context;
    const isHere = node >= 0 && node < machine.options.nodes;
    return isHere && pages.hasMemory(node) ? node : NUMA_NO_NODE;
  }

  /** ___slab_alloc: preemption is off. */
  override allocateHere(s: KmemCachePtr, gfp: number, node: number): Address {
    const { cpuSlab } = this.parts;
    const c = cpuSlab.here(s);
    let page = cpuSlab.page(c);
    for (;;) {
      if (page === 0) page = this.nextPartial(s, c);
      if (page === 0) return this.allocateFromNodes(s, gfp, node, c);
      const object = this.fits(s, page, node, gfp)
        ? this.takeFrom(s, c, page)
        : this.giveUp(s, c, page);
      if (object !== undefined && object !== 0) return object;
      page = object === 0 ? 0 : cpuSlab.page(c);
    }
  }

  /**
   * The free objects of the cpu slab become the private list, and the first is returned; 0: there are
   * none, and the slab was given up. Undefined: an interrupt has changed the cpu slab.
   */
  protected takeFrom(s: KmemCachePtr, c: KmemCacheCpuPtr, page: PagePtr): Address | undefined {
    const { memory } = this;
    const { cpuSlab } = this.parts;
    const flags = memory.irqSave();
    if (cpuSlab.page(c) !== page) {
      memory.irqRestore(flags);
      return undefined;
    }
    const present = this.recheckFreelist(c);
    const freelist = present !== 0 ? present : this.getFreelist(s, page);
    const object = freelist === 0 ? 0 : cpuSlab.load(s, c, freelist);
    if (freelist === 0) cpuSlab.drop(c);
    memory.irqRestore(flags);
    if (freelist === 0) this.context.stat(s, DEACTIVATE_BYPASS);
    else if (present === 0) this.context.stat(s, ALLOC_REFILL);
    return object;
  }

  /** The cpu slab does not fit. 0, or undefined where it is another one by now. */
  protected giveUp(s: KmemCachePtr, c: KmemCacheCpuPtr, page: PagePtr): 0 | undefined {
    const { memory } = this;
    const { cpuSlab, deactivation } = this.parts;
    const flags = memory.irqSave();
    const isStillHere = cpuSlab.page(c) === page;
    const freelist = cpuSlab.freelist(c);
    if (isStillHere) cpuSlab.drop(c);
    memory.irqRestore(flags);
    if (!isStillHere) return undefined;
    deactivation.deactivate(s, page, freelist);
    return 0;
  }

  /** The slab to go on with: one that an interrupt left here, or the next of the cpu partial list. */
  protected override nextPartial(s: KmemCachePtr, c: KmemCacheCpuPtr): PagePtr {
    const { memory } = this;
    const { cpuSlab } = this.parts;
    if (cpuSlab.partial(c) === 0) return 0;
    const flags = memory.irqSave();
    const left = cpuSlab.page(c);
    const page = left !== 0 ? left : cpuSlab.installPartial(c);
    memory.irqRestore(flags);
    if (left === 0 && page !== 0) this.context.stat(s, CPU_PARTIAL_ALLOC);
    return page;
  }

  protected allocateFromNodes(
    s: KmemCachePtr,
    gfp: number,
    node: number,
    c: KmemCacheCpuPtr,
  ): Address {
    const { memory } = this;
    const { partialSearch, slabPages } = this.parts;
    const isDebug = this.context.isDebug(s);
    for (;;) {
      const listed = partialSearch.getPartial(s, gfp, node, c);
      if (listed !== 0) {
        if (isDebug) return listed;
        return this.load(s, gfp, this.context.pages.virtToHeadPage(listed), listed);
      }
      memory.preemptEnable();
      const page = slabPages.newSlab(s, gfp, node);
      memory.preemptDisable();
      if (page === 0) return this.withoutMemory(s, gfp, node);
      this.context.stat(s, ALLOC_SLAB);
      if (!isDebug) return this.load(s, gfp, page, this.takeAll(s, page));
      const object = this.takeSingle(s, gfp, page);
      if (object !== 0 || !this.triesAgain(gfp)) return object;
    }
  }

  /** No other context can reach the slab yet. */
  protected takeAll(s: KmemCachePtr, page: PagePtr): Address {
    const { memory } = this;
    const freelist = memory.read32(page + Page.freelist);
    memory.write32(page + Page.freelist, 0);
    this.parts.slabPages.incSlabsNode(s, page, objectsOf(memory.read32(page + Page.counters)));
    return freelist;
  }

  /** A slab with free objects becomes this CPU's; what another context left here is flushed. */
  protected load(s: KmemCachePtr, gfp: number, page: PagePtr, freelist: Address): Address {
    const { memory } = this;
    const { cpuSlab } = this.parts;
    for (;;) {
      const flags = memory.irqSave();
      const c = cpuSlab.here(s);
      if (cpuSlab.page(c) === 0) {
        cpuSlab.install(c, page);
        const object = cpuSlab.load(s, c, freelist);
        memory.irqRestore(flags);
        return object;
      }
      memory.irqRestore(flags);
      this.flushLeft(s, gfp, c);
    }
  }

  /** Another context has left a slab here. */
  protected flushLeft(s: KmemCachePtr, _gfp: number, c: KmemCacheCpuPtr): void {
    this.parts.front.flushSlab(s, c);
  }

  /** A new slab of a debug cache gave no object. */
  protected triesAgain(_gfp: number): boolean {
    return true;
  }

  /**
   * alloc_single_from_new_slab. A holder of list_lock sees slab and count appear at once. A slab that
   * fails its checks already now has all its objects marked as used, and is listed as full (6.1
   * forgets such a slab).
   */
  protected takeSingle(s: KmemCachePtr, _gfp: number, page: PagePtr): Address {
    const { nodePartial } = this.parts;
    const n = this.context.nodeOfPage(s, page);
    const flags = nodePartial.lockIrqsave(n);
    const object = this.takeSingleLocked(s, n, page);
    nodePartial.unlockIrqrestore(n, flags);
    return object;
  }

  protected takeSingleLocked(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): Address {
    const { memory } = this;
    const { freePointers, debugging, nodePartial, slabPages } = this.parts;
    const object = memory.read32(page + Page.freelist);
    const objects = objectsOf(memory.read32(page + Page.counters));
    memory.write32(page + Page.freelist, freePointers.get(s, object));
    memory.write32(page + Page.counters, packCounters(1, objects, false));
    const isFit = debugging.allocDebugProcessing(s, page, object);
    if (memory.read32(page + Page.freelist) === 0) nodePartial.addFull(s, n, page);
    else nodePartial.add(n, page, ADD_TO_HEAD);
    slabPages.incSlabsNode(s, page, objects);
    return isFit ? object : 0;
  }
}
