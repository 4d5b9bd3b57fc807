// SPDX-License-Identifier: GPL-2.0-only
/** What is in use of a machine, and by whom. Beside running threads, figures are glances. */
import { KmemCacheBase, type KmemCachePtr } from "../caches/kmem-cache.ts";
import type { LiveObjects } from "../caches/live-objects.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { System } from "./system.ts";

export interface CacheUsage {
  readonly cache: KmemCachePtr;
  readonly name: string;
  /** Bytes of an object. */
  readonly objectSize: number;
  /** Objects in use, as far as is known without stopping CPUs, and those that there is room for. */
  readonly objects: number;
  readonly capacity: number;
  /** Bytes of the pages of its slabs. */
  readonly bytes: number;
}

export interface CpuUsage {
  readonly cpu: number;
  readonly isOnline: boolean;
  /** Bytes of free pages that it has at hand. */
  readonly freeBytes: number;
}

export interface Usage {
  /** Bytes of the pages that there are, and of those that are free. */
  readonly bytes: { readonly total: number; readonly free: number; readonly used: number };
  /** Objects in use in all caches, the kernel's own included. */
  readonly objects: number;
  readonly caches: readonly CacheUsage[];
  readonly cpus: readonly CpuUsage[];
}

/** Objects that were allocated at one place and are in use. */
export interface Leak extends LiveObjects {
  readonly cache: string;
}

/** May sleep. */
export function usageOf(system: System): Usage {
  const { common, observer, memory, pages, machine } = system;
  const caches = common.withCaches((s): CacheUsage => {
    const info = observer.slabInfo(s);
    return {
      cache: s,
      name: common.nameOf(s),
      objectSize: memory.read32(s + KmemCacheBase.objectSize),
      objects: info.activeObjs,
      capacity: info.numObjs,
      bytes: info.numSlabs * (PAGE_SIZE << info.cacheOrder),
    };
  });
  const total = pages.presentPages() * PAGE_SIZE;
  const free = pages.freePagesTotal() * PAGE_SIZE;
  const online = new Set(machine.presence.online());
  return {
    bytes: { total, free, used: total - free },
    objects: caches.reduce((sum, { objects }) => sum + objects, 0),
    caches,
    cpus: Array.from({ length: machine.options.cpus }, (_, cpu) => ({
      cpu,
      isOnline: online.has(cpu),
      freeBytes: pages.pcp.held(cpu) * PAGE_SIZE,
    })),
  };
}

/** What caches with SLAB_STORE_USER know of their objects, most numerous first. May sleep. */
export function leaksOf(system: System): Leak[] {
  const { common, observer } = system;
  const leaksIn = (s: KmemCachePtr): Leak[] =>
    (observer.liveObjects?.(s) ?? []).map((live) => ({ cache: common.nameOf(s), ...live }));
  return common
    .whileCachesStay(() => common.caches().flatMap(leaksIn))
    .filter(({ site }) => site !== "<not-available>")
    .sort((a, b) => b.count - a.count);
}
