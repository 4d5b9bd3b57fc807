// SPDX-License-Identifier: GPL-2.0-only
/**
 * The memory usage of a quiet machine: pages of slabs, objects in use in them, and bytes lost to
 * free objects, padding and metadata; and how often locks were waited for.
 */
import { KmemCacheBase } from "../src/caches/kmem-cache.ts";
import { type Kernel, systemOf } from "../src/kernel/kernel.ts";
import { PAGE_SIZE } from "../src/machine/machine.ts";
import type { Address } from "../src/machine/memory.ts";
import { SpinLock, timesContended } from "../src/machine/spinlock.ts";
import { Page, PG_SLAB } from "../src/pages/page.ts";

export interface CacheUsage {
  readonly name: string;
  readonly objectSize: number;
  readonly size: number;
  readonly slabs: number;
  readonly pages: number;
  readonly objects: number;
  /** Objects not on a slab's list: in use, or on a CPU's private list, as /proc/slabinfo counts. */
  readonly active: number;
}

export interface MemoryUsage {
  readonly totalPages: number;
  readonly freePages: number;
  /** Pages of all slabs, and those of their bytes that no active object asked for. */
  readonly slabPages: number;
  readonly lostBytes: number;
  /** Caches that have slabs, those with most pages first. */
  readonly caches: readonly CacheUsage[];
}

export interface Usage {
  readonly memory: MemoryUsage;
  /** Locks that were taken, the most contended first. */
  readonly locks: readonly LockUsage[];
}

export function usageOf(kernel: Kernel): Usage {
  return { memory: memoryUsage(kernel), locks: lockUsage(kernel) };
}

export function memoryUsage(kernel: Kernel): MemoryUsage {
  const { pages } = systemOf(kernel);
  const caches = cacheUsage(kernel);
  const slabPages = caches.reduce((sum, cache) => sum + cache.pages, 0);
  const asked = caches.reduce((sum, cache) => sum + cache.active * cache.objectSize, 0);
  return {
    totalPages: pages.totalPages(),
    freePages: pages.freePagesTotal(),
    slabPages,
    lostBytes: slabPages * PAGE_SIZE - asked,
    caches,
  };
}

/** Found by a walk over all pages: each slab's first page names its cache and counts its objects. */
function cacheUsage(kernel: Kernel): CacheUsage[] {
  const { memory, pages, common, observer } = systemOf(kernel);
  const sums = new Map<
    Address,
    { slabs: number; pages: number; objects: number; active: number }
  >();
  for (const zone of pages.zones) {
    for (let pfn = zone.start; pfn < zone.end; pfn++) {
      const page = pages.array.numbered(pfn);
      if ((memory.read32(page + Page.flags) & PG_SLAB) === 0) continue;
      if (memory.read32(page + Page.head) !== page) continue;
      if (common.kfence?.pool.has(pages.pageAddress(page)) === true) continue;
      const cache = memory.read32(page + Page.slabCache);
      const sum = sums.get(cache) ?? { slabs: 0, pages: 0, objects: 0, active: 0 };
      const usage = observer.slabUsage(cache, page);
      sums.set(cache, {
        slabs: sum.slabs + 1,
        pages: sum.pages + (1 << pages.compoundOrder(page)),
        objects: sum.objects + usage.objects,
        active: sum.active + usage.active,
      });
    }
  }
  return common
    .caches()
    .map((s) => ({
      name: common.nameOf(s),
      objectSize: memory.read32(s + KmemCacheBase.objectSize),
      size: memory.read32(s + KmemCacheBase.size),
      ...(sums.get(s) ?? { slabs: 0, pages: 0, objects: 0, active: 0 }),
    }))
    .filter((cache) => cache.slabs > 0)
    .sort((a, b) => b.pages - a.pages);
}

export interface LockUsage {
  readonly lock: string;
  readonly acquired: number;
  readonly contended: number;
}

/** Locks that were taken, the most contended first. */
export function lockUsage(kernel: Kernel): LockUsage[] {
  const { memory, common, pages, observer } = systemOf(kernel);
  const locks: LockUsage[] = pages.lockStatistics().map(({ zone, node, acquired, contended }) => ({
    lock: `zone ${zone} of node ${node}`,
    acquired: acquired >>> 0,
    contended: contended >>> 0,
  }));
  const add = (lock: string, at: Address): void => {
    locks.push({
      lock,
      acquired: memory.readOnce(at + SpinLock.acquired) >>> 0,
      contended: timesContended(memory.readOnce(at + SpinLock.contendedAndClass)),
    });
  };
  add("slab_mutex", common.slabMutex);
  for (const s of common.caches()) {
    for (const { name, at } of observer.locksOf(s)) add(`${common.nameOf(s)}: ${name}`, at);
  }
  return locks
    .filter(({ acquired }) => acquired > 0)
    .sort((a, b) => b.contended - a.contended || b.acquired - a.acquired);
}
