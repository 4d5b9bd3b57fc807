// SPDX-License-Identifier: GPL-2.0-only
/**
 * How many slabs and objects a SLUB cache has, by node (mm/slub.c `show_slab_objects`), and what its
 * CPUs have counted. Partial lists are walked under their list_lock. What a front keeps for the CPUs
 * counts as used.
 */

import { Page } from "../../pages/page.ts";
import { freeOf, inuseOf } from "../counters.ts";
import type { SlabLayer } from "../slab-layer.ts";
import { KmemCache, KmemCacheNode, type KmemCachePtr } from "../structs.ts";

export class LayerCounts {
  protected readonly slub: SlabLayer;

  constructor(slub: SlabLayer) {
    this.slub = slub;
  }

  /** Slabs of any kind. */
  slabs(s: KmemCachePtr): number[] {
    return this.byNode(s, (n) => this.slub.context.memory.loadAcquire(n + KmemCacheNode.nrSlabs));
  }

  totalObjects(s: KmemCachePtr): number[] {
    const { memory } = this.slub.context;
    return this.byNode(s, (n) => memory.loadAcquire(n + KmemCacheNode.totalObjects));
  }

  /** Objects in use, or kept for a CPU. */
  objects(s: KmemCachePtr): number[] {
    const { memory } = this.slub.context;
    return this.byNode(
      s,
      (n) => memory.loadAcquire(n + KmemCacheNode.totalObjects) - this.countPartial(n, freeOf),
    );
  }

  /** Slabs on partial lists. */
  partial(s: KmemCachePtr): number[] {
    return this.byNode(s, (n) => this.slub.nodePartial.nrPartial(n));
  }

  /** Objects in use on them. */
  objectsPartial(s: KmemCachePtr): number[] {
    return this.byNode(s, (n) => this.countPartial(n, inuseOf));
  }

  /** One of the front's counters by CPU: unsigned, as the kernel prints them. */
  statistic(s: KmemCachePtr, item: number): number[] {
    const { memory } = this.slub.context;
    return this.statWords(s, item).map((word) => memory.readOnce(word) >>> 0);
  }

  /** clear_stat: what a CPU counts at the same moment may survive it. */
  clearStatistic(s: KmemCachePtr, item: number): void {
    // Atomic, since the words are other CPUs', which go on counting.
    for (const word of this.statWords(s, item)) this.slub.context.memory.xchg(word, 0);
  }

  private statWords(s: KmemCachePtr, item: number): number[] {
    const { memory, machine } = this.slub.context;
    const cpuStats = memory.read32(s + KmemCache.cpuStats);
    return Array.from(
      { length: machine.options.cpus },
      (_, cpu) => memory.perCpuPtr(cpuStats, cpu) + (item << 2),
    );
  }

  private byNode(s: KmemCachePtr, count: (n: number) => number): number[] {
    const { context } = this.slub;
    return Array.from({ length: context.machine.options.nodes }, (_, nid) => {
      const n = context.nodeOf(s, nid);
      return n === 0 ? 0 : count(n);
    });
  }

  /** count_partial */
  private countPartial(n: number, of: (counters: number) => number): number {
    const { nodePartial, context } = this.slub;
    let sum = 0;
    const flags = nodePartial.lockIrqsave(n);
    for (let page = nodePartial.first(n); page !== 0; page = nodePartial.next(n, page)) {
      sum += of(context.memory.readOnce(page + Page.counters));
    }
    nodePartial.unlockIrqrestore(n, flags);
    return sum;
  }
}
