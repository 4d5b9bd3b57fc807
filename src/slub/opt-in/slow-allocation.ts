// SPDX-License-Identifier: GPL-2.0-only
/**
 * __slab_alloc since Linux 6.18, which kmalloc_nolock calls from any context. It waits for no lock:
 * list_lock is tried; the cpu slab is not given up for another node's, since that would need it; and a
 * slab that must go away is put off.
 */
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { objectsOf, packCounters } from "../counters.ts";
import {
  SlowAllocationUnfrozen,
  type SlowAllocationUnfrozenParts,
} from "../cpu-slab/slow-allocation-unfrozen.ts";
import { allowsSpinning } from "../gfp.ts";
import type { MarkedPartial } from "../marked-partial.ts";
import { CPUSLAB_FLUSH } from "../statistics.ts";
import type { KmemCacheCpuPtr, KmemCachePtr } from "../structs.ts";
import type { OptInSheaves } from "./sheaves.ts";

export interface OptInSlowAllocationParts extends SlowAllocationUnfrozenParts {
  readonly nodePartial: MarkedPartial;
  readonly optIn: OptInSheaves;
}

export class OptInSlowAllocation extends SlowAllocationUnfrozen {
  declare protected readonly parts: OptInSlowAllocationParts;

  override allocateHere(s: KmemCachePtr, gfp: number, node: number): Address {
    return super.allocateHere(s, gfp, allowsSpinning(gfp) ? node : this.nodeAtHand(s, node));
  }

  /** Any node, where what this CPU has is of another than was asked for. */
  private nodeAtHand(s: KmemCachePtr, node: number): number {
    const { cpuSlab } = this.parts;
    const c = cpuSlab.here(s);
    const page = cpuSlab.page(c);
    const isOther = page !== 0 && !this.nodeMatches(page, node);
    return isOther || cpuSlab.partial(c) !== 0 ? NUMA_NO_NODE : node;
  }

  protected override effortless(gfp: number): number {
    return allowsSpinning(gfp) ? super.effortless(gfp) : gfp;
  }

  protected override flushLeft(s: KmemCachePtr, gfp: number, c: KmemCacheCpuPtr): void {
    if (allowsSpinning(gfp)) {
      super.flushLeft(s, gfp, c);
      return;
    }
    const { memory } = this;
    const { cpuSlab, optIn } = this.parts;
    const flags = memory.irqSave();
    const page = cpuSlab.page(c);
    const freelist = cpuSlab.freelist(c);
    cpuSlab.dropFlushed(c);
    memory.irqRestore(flags);
    if (page === 0) return;
    optIn.deferredFrees.addSlab(page, freelist);
    this.context.stat(s, CPUSLAB_FLUSH);
  }

  /** Endless where the lock is held by the context that was interrupted. */
  protected override triesAgain(gfp: number): boolean {
    return allowsSpinning(gfp);
  }

  /** The new slab of a debug cache can only be listed by a holder of list_lock. */
  protected override takeSingle(s: KmemCachePtr, gfp: number, page: PagePtr): Address {
    if (allowsSpinning(gfp)) return super.takeSingle(s, gfp, page);
    const { nodePartial, optIn } = this.parts;
    const n = this.context.nodeOfPage(s, page);
    const flags = nodePartial.tryLockIrqsave(n);
    if (flags === undefined) {
      const objects = objectsOf(this.memory.read32(page + Page.counters));
      this.memory.write32(page + Page.counters, packCounters(objects, objects, false));
      optIn.deferredFrees.addSlab(page, 0);
      return 0;
    }
    const object = this.takeSingleLocked(s, n, page);
    nodePartial.unlockIrqrestore(n, flags);
    return object;
  }
}
