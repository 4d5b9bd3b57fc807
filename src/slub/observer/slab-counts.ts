// SPDX-License-Identifier: GPL-2.0-only
/**
 * How many slabs and objects a SLUB cache has, by node (mm/slub.c `show_slab_objects`). Partial
 * lists are walked under their list_lock; what CPUs own is read while they go on, so it is a glance,
 * not a census. Objects on a CPU's private list count as used.
 */

import { since } from "../../caches/kernel-version.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { freeOf, inuseOf } from "../counters.ts";
import type { Slub } from "../cpu-slab/slub.ts";
import {
  KmemCache,
  KmemCacheCpu,
  KmemCacheNode,
  type KmemCachePtr,
  ooObjects,
} from "../structs.ts";

export interface CpuPartialCount {
  readonly objects: number;
  readonly slabs: number;
}

export class SlubObjects {
  private readonly slub: Slub;

  constructor(slub: Slub) {
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

  /** Objects in use, or on the private list of a CPU. */
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

  /**
   * Slabs that CPUs own. A CPU without a cpu slab is passed over, its cpu partial list with it, and
   * a whole list counts for the node of its first slab: so does 4.1.
   */
  cpuSlabs(s: KmemCachePtr): number[] {
    const { memory, machine, pages } = this.slub.context;
    const counts = Array.from({ length: machine.options.nodes }, () => 0);
    const count = (page: PagePtr, n: number): void => {
      const nid = pages.pageToNid(page);
      counts[nid] = (counts[nid] ?? 0) + n;
    };
    for (const c of this.cpus(s)) {
      const page = memory.readOnce(c + KmemCacheCpu.page);
      if (page === 0) continue;
      count(page, 1);
      const partial = memory.readOnce(c + KmemCacheCpu.partial);
      if (partial !== 0) count(partial, memory.readOnce(partial + Page.pages));
    }
    return counts;
  }

  /** What each CPU's partial list amounts to, as its head remembers, and all of them together. */
  cpuPartial(s: KmemCachePtr): { cpus: CpuPartialCount[]; all: CpuPartialCount } {
    const { memory, common } = this.slub.context;
    const heads = this.cpus(s).map((c) => memory.readOnce(c + KmemCacheCpu.partial));
    const word = (head: PagePtr, field: number) => (head === 0 ? 0 : memory.readOnce(head + field));
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    const slabs = heads.map((head) => word(head, Page.pages));
    const count = (objects: readonly number[], all: number) => ({
      cpus: slabs.map((n, cpu) => ({ slabs: n, objects: objects[cpu] as number })),
      all: { slabs: sum(slabs), objects: all },
    });
    if (since(common.kernel, "5.16")) {
      // Only slabs are counted; each is taken for half free.
      const perSlab = ooObjects(memory.readOnce(s + KmemCache.oo));
      const estimated = (n: number) => Math.floor((n * perSlab) / 2);
      return count(slabs.map(estimated), estimated(sum(slabs)));
    }
    const objects = heads.map((head) => word(head, Page.pobjects));
    return count(objects, sum(objects));
  }

  /** One of the counters of statistics.ts, by CPU: unsigned, as the kernel prints them. */
  statistic(s: KmemCachePtr, item: number): number[] {
    const { memory } = this.slub.context;
    return this.cpus(s).map((c) => memory.readOnce(c + KmemCacheCpu.stat + (item << 2)) >>> 0);
  }

  /** clear_stat: what a CPU counts at the same moment may survive it. */
  clearStatistic(s: KmemCachePtr, item: number): void {
    const { memory } = this.slub.context;
    // Atomic, since the words are other CPUs', which go on counting.
    for (const c of this.cpus(s)) memory.xchg(c + KmemCacheCpu.stat + (item << 2), 0);
  }

  /** struct kmem_cache_cpu of every CPU, in order. */
  cpus(s: KmemCachePtr): number[] {
    const { memory, machine } = this.slub.context;
    const cpuSlab = memory.read32(s + KmemCache.cpuSlab);
    return Array.from({ length: machine.options.cpus }, (_, cpu) => memory.perCpuPtr(cpuSlab, cpu));
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
