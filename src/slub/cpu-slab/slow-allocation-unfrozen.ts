// SPDX-License-Identifier: GPL-2.0-only
/**
 * __slab_alloc since Linux 6.8: a slab of the cpu partial list is not frozen, so it is looked at before
 * it becomes the cpu slab. One of the wrong node goes to its node. A node that is given is a wish: it
 * is met by that node alone first, without effort, and then by any.
 */
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_NOWARN, __GFP_THISNODE, GFP_NOWAIT } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import { CPU_PARTIAL_ALLOC } from "../statistics.ts";
import type { KmemCacheCpuPtr, KmemCachePtr } from "../structs.ts";
import type { CpuPartialUnfrozen } from "./cpu-partial-unfrozen.ts";
import type { SlowAllocationParts } from "./slow-allocation.ts";
import { SlowAllocationInterruptible } from "./slow-allocation-interruptible.ts";

export interface SlowAllocationUnfrozenParts extends SlowAllocationParts {
  readonly cpuPartial: CpuPartialUnfrozen;
}

export class SlowAllocationUnfrozen extends SlowAllocationInterruptible {
  declare protected readonly parts: SlowAllocationUnfrozenParts;

  override allocateHere(s: KmemCachePtr, gfp: number, node: number): Address {
    const { cpuSlab } = this.parts;
    const c = cpuSlab.here(s);
    for (;;) {
      const page = cpuSlab.page(c);
      const own = page === 0 ? 0 : this.fromCpuSlab(s, c, page, this.fits(s, page, node, gfp));
      const object = own === 0 ? this.fromCpuPartial(s, c, node, gfp) : own;
      if (object === undefined) continue;
      return object !== 0 ? object : this.allocateFromNodes(s, gfp, node, c);
    }
  }

  /** 0: the cpu slab was given up; undefined: an interrupt has changed it. */
  private fromCpuSlab(
    s: KmemCachePtr,
    c: KmemCacheCpuPtr,
    page: PagePtr,
    fits: boolean,
  ): Address | undefined {
    return fits ? this.takeFrom(s, c, page) : this.giveUp(s, c, page);
  }

  /** From the first slab of the cpu partial list that fits; 0: there is none; undefined as above. */
  private fromCpuPartial(
    s: KmemCachePtr,
    c: KmemCacheCpuPtr,
    node: number,
    gfp: number,
  ): Address | undefined {
    const { memory } = this;
    const { cpuSlab, cpuPartial } = this.parts;
    while (cpuSlab.partial(c) !== 0) {
      const flags = memory.irqSave();
      const isChanged = cpuSlab.page(c) !== 0;
      const page = isChanged ? 0 : cpuSlab.popPartial(c);
      const fits = page !== 0 && this.matches(page, node, gfp);
      const object = fits ? this.install(s, c, page) : 0;
      memory.irqRestore(flags);
      if (isChanged) return undefined;
      if (page === 0 || fits) return object;
      cpuPartial.giveToNode(s, page);
    }
    return 0;
  }

  /** Interrupts are off: the slab becomes the cpu slab, frozen by the swap that takes its objects. */
  private install(s: KmemCachePtr, c: KmemCacheCpuPtr, page: PagePtr): Address {
    const { cpuSlab } = this.parts;
    cpuSlab.install(c, page);
    const freelist = this.getFreelist(s, page);
    this.context.stat(s, CPU_PARTIAL_ALLOC);
    return cpuSlab.load(s, c, freelist);
  }

  protected override allocateFromNodes(
    s: KmemCachePtr,
    gfp: number,
    node: number,
    c: KmemCacheCpuPtr,
  ): Address {
    if (node === NUMA_NO_NODE || (gfp & __GFP_THISNODE) !== 0) {
      return super.allocateFromNodes(s, gfp, node, c);
    }
    const there = this.effortless(gfp) | __GFP_THISNODE;
    return super.allocateFromNodes(s, there, node, c) || super.allocateFromNodes(s, gfp, node, c);
  }

  /** How to ask for what can be had at once. */
  protected effortless(_gfp: number): number {
    return GFP_NOWAIT | __GFP_NOWARN;
  }
}
