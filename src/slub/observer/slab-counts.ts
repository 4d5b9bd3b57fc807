// SPDX-License-Identifier: GPL-2.0-only
/** What the CPUs own of a SLUB cache with cpu slabs: read while they go on, so a glance, not a census. */

import { since } from "../../caches/kernel-version.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr, ooObjects } from "../structs.ts";
import { LayerCounts } from "./layer-counts.ts";

export interface CpuPartialCount {
  readonly objects: number;
  readonly slabs: number;
}

export class SlubObjects extends LayerCounts {
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

  /** struct kmem_cache_cpu of every CPU, in order. */
  cpus(s: KmemCachePtr): number[] {
    const { memory, machine } = this.slub.context;
    const cpuSlab = memory.read32(s + KmemCache.cpuSlab);
    return Array.from({ length: machine.options.cpus }, (_, cpu) => memory.perCpuPtr(cpuSlab, cpu));
  }
}
