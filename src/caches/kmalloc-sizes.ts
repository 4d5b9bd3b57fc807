// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which cache serves kmalloc(n): the size classes, their names, and the list of caches each kernel
 * and allocator creates for them at boot, in the order of their creation. Constants only.
 */

import { PAGE_SHIFT } from "../machine/machine.ts";
import { fls, KMALLOC_MAX_SIZE } from "./alignment.ts";
import {
  type AllocatorName,
  hasOption,
  type KernelBuild,
  SLAB_ACCOUNT,
  SLAB_CACHE_DMA,
  SLAB_HWCACHE_ALIGN,
  SLAB_KMALLOC,
  SLAB_RECLAIM_ACCOUNT,
} from "./flags.ts";
import { type KernelVersion, since } from "./kernel-version.ts";

/** What kmalloc(0) returns: not NULL, and no object either. */
export const ZERO_SIZE_PTR = 16;

/** Where an allocation's flags send it. Kernels without a kind send it to `normal`. */
export type KmallocType = "normal" | "cgroup" | "reclaim" | "dma";

export interface KmallocCache {
  readonly name: string;
  readonly type: KmallocType;
  /** 1 is the cache of 96 bytes, 2 of 192, i >= 3 of 2^i. */
  readonly index: number;
  /** Bytes an object may use. */
  readonly size: number;
  readonly flags: number;
}

/** Index of each size class by (size - 1) / 8, up to 192 bytes (`size_index`). */
const SIZE_INDEX: readonly number[] = [
  3, 4, 5, 5, 6, 6, 6, 6, 1, 1, 1, 1, 7, 7, 7, 7, 2, 2, 2, 2, 2, 2, 2, 2,
];
const LARGEST_BY_TABLE = 192;

/** SLAB's index of `struct kmem_cache_node` (120 bytes), whose cache must exist before all others. */
const INDEX_NODE = 7;

/** log2 of the smallest size class (KMALLOC_SHIFT_LOW). */
export function kmallocShiftLow(allocator: AllocatorName): number {
  return allocator === "slub" ? 3 : 5;
}

/**
 * log2 of the largest size class (KMALLOC_SHIFT_HIGH): two pages; in SLAB before 6.1 (d6a71648dbc0),
 * which passes nothing on to the page allocator, all that the page allocator can serve.
 */
export function kmallocShiftHigh(allocator: AllocatorName, kernel: KernelVersion): number {
  return allocator === "slab" && !since(kernel, "6.1") ? fls(KMALLOC_MAX_SIZE) - 1 : PAGE_SHIFT + 1;
}

/** Size class of a request of 1 byte to the largest class (`kmalloc_index`). */
export function kmallocIndex(allocator: AllocatorName, size: number): number {
  const index = size <= LARGEST_BY_TABLE ? (SIZE_INDEX[(size - 1) >> 3] as number) : fls(size - 1);
  // Classes below the smallest go to the smallest; 96 and 192 exist for both minima, 8 and 32.
  return index >= 3 ? Math.max(index, kmallocShiftLow(allocator)) : index;
}

/** Bytes an object of that size class may use. */
export function kmallocSize(index: number): number {
  if (index === 1) return 96;
  if (index === 2) return 192;
  return 1 << index;
}

/** Bytes that an object of SLUB really has which kmalloc(size) gives (`kmalloc_size_roundup`). */
export function kmallocSizeRoundup(size: number): number {
  return kmallocSize(kmallocIndex("slub", size));
}

/** `kmalloc-64`, `dma-kmalloc-64`, and since 4.20 (f0d77874143f) `kmalloc-rcl-1k`, … */
function kmallocName(kernel: KernelVersion, type: KmallocType, size: number): string {
  if (!since(kernel, "4.20")) return type === "dma" ? `dma-kmalloc-${size}` : `kmalloc-${size}`;
  const short = size < 1024 ? `${size}` : `${size >> 10}k`;
  switch (type) {
    case "normal":
      return `kmalloc-${short}`;
    case "cgroup":
      return `kmalloc-cg-${short}`;
    case "reclaim":
      return `kmalloc-rcl-${short}`;
    case "dma":
      return `dma-kmalloc-${short}`;
  }
}

/** cgroup: 494c1dfe855e; reclaim: 1291523f2c1d. */
function kmallocTypes(build: KernelBuild): KmallocType[] {
  const types: KmallocType[] = ["normal"];
  if (since(build.kernel, "5.14") && hasOption(build, "MEMCG_KMEM")) types.push("cgroup");
  if (since(build.kernel, "4.20")) types.push("reclaim");
  if (hasOption(build, "ZONE_DMA")) types.push("dma");
  return types;
}

/**
 * All kmalloc caches in the order in which boot creates them (`create_kmalloc_caches`): kind by
 * kind, sizes ascending, 96 right after 64 and 192 right after 128; since 6.11 those two come first. SLAB
 * has made the one for its node structs before that.
 */
export function kmallocCaches(build: KernelBuild): KmallocCache[] {
  const { allocator, kernel } = build;
  const first = allocator === "slab" ? [INDEX_NODE] : [];
  const low = kmallocShiftLow(allocator);
  const high = kmallocShiftHigh(allocator, kernel);
  const oddFirst = since(kernel, "6.11");
  const ascending: number[] = oddFirst ? [1, 2] : [];
  for (let index = low; index <= high; index++) {
    ascending.push(index);
    if (index === 6 && !oddFirst) ascending.push(1);
    if (index === 7 && !oddFirst) ascending.push(2);
  }
  return kmallocTypes(build).flatMap((type) => {
    const indexes = type === "normal" ? [...new Set([...first, ...ascending])] : ascending;
    const flags = kmallocFlags(build, type);
    return indexes.map((index) => {
      const size = kmallocSize(index);
      return { name: kmallocName(kernel, type, size), type, index, size, flags };
    });
  });
}

function kmallocFlags(build: KernelBuild, type: KmallocType): number {
  // SLAB starts its classes on cache lines (ARCH_KMALLOC_FLAGS); SLUB aligns them naturally.
  let flags = build.allocator === "slab" ? SLAB_HWCACHE_ALIGN : 0;
  if (since(build.kernel, "6.1") && build.allocator === "slub") flags |= SLAB_KMALLOC;
  if (type === "dma") flags |= SLAB_CACHE_DMA;
  if (type === "reclaim") flags |= SLAB_RECLAIM_ACCOUNT;
  if (type === "cgroup") flags |= SLAB_ACCOUNT;
  return flags;
}

/**
 * The alignment a kmalloc cache is created with (`create_boot_cache`): 8; since 5.4 (59bb47985c1d)
 * its size where that is a power of two; since 6.12 the largest power of two that divides its size.
 */
export function kmallocAlign(kernel: KernelVersion, size: number): number {
  if (since(kernel, "6.12")) return Math.max(size & -size, 8);
  const powerOfTwo = (size & (size - 1)) === 0;
  return since(kernel, "5.4") && powerOfTwo ? size : 8;
}
