// SPDX-License-Identifier: GPL-2.0-only
/**
 * How many pages a SLAB slab takes and where its index array lies. A slab of `num` objects needs
 * an array of `num` one-byte indices; it lies
 *
 *   on slab    beside the objects (4.1 before them, 6.1 behind them), costing room for objects;
 *   off slab   in an object of a kmalloc cache, so that page-sized objects fill their pages;
 *   in object  (6.1) in the slab's own last free object, costing nothing.
 */

import { alignUp, calculateAlignment, KMALLOC_MAX_SIZE } from "../caches/alignment.ts";
import { SLAB_HWCACHE_ALIGN } from "../caches/flags.ts";
import { type KernelVersion, since } from "../caches/kernel-version.ts";
import { kmallocIndex, kmallocSize } from "../caches/kmalloc-sizes.ts";
import { PAGE_SIZE } from "../machine/machine.ts";

export type IndexPlace = "on-slab" | "off-slab" | "in-object";

/** Objects a one-byte index tells apart. */
export const SLAB_OBJ_MAX_NUM = 255;
const KMALLOC_MAX_ORDER = Math.log2(KMALLOC_MAX_SIZE / PAGE_SIZE);

export interface SlabOrder {
  readonly num: number;
  readonly gfporder: number;
  /** Bytes neither objects nor the index array use. */
  readonly leftOver: number;
}

export interface SlabOrderRequest {
  /** Bytes of one object with all it carries. */
  readonly size: number;
  readonly objectSize: number;
  readonly align: number;
  readonly place: IndexPlace;
  readonly reclaimable: boolean;
  readonly maxOrder: number;
  /** 6.1: whether there is a cache off the slab for an array of `num` indices. */
  readonly holdsIndexes: (num: number) => boolean;
}

/** Bytes of the index array before any object; 4.1 keeps the first object aligned behind it. */
function freelistSize(kernel: KernelVersion, num: number, align: number): number {
  return since(kernel, "4.6") ? num : alignUp(num, align);
}

/** Objects of a slab of that order and what is left over (mm/slab.c `cache_estimate`). */
function cacheEstimate(kernel: KernelVersion, order: number, request: SlabOrderRequest): SlabOrder {
  const { size, align, place } = request;
  const slabSize = PAGE_SIZE << order;
  if (place !== "on-slab") {
    return { num: Math.floor(slabSize / size), gfporder: order, leftOver: slabSize % size };
  }
  let num = Math.floor(slabSize / (size + 1));
  // Since 4.6 the bytes that indices of objects which do not fit would have taken do not count.
  if (since(kernel, "4.6")) return { num, gfporder: order, leftOver: slabSize % (size + 1) };
  if (slabSize - num * size < freelistSize(kernel, num, align)) num--;
  const leftOver = slabSize - num * size - freelistSize(kernel, num, align);
  return { num, gfporder: order, leftOver };
}

/**
 * The first order that wastes no more than an eighth, or the largest allowed one before that;
 * undefined where no order holds an object (mm/slab.c `calculate_slab_order`).
 */
export function calculateSlabOrder(
  kernel: KernelVersion,
  request: SlabOrderRequest,
): SlabOrder | undefined {
  let found: SlabOrder | undefined;
  for (let order = 0; order <= KMALLOC_MAX_ORDER; order++) {
    const estimate = cacheEstimate(kernel, order, request);
    if (estimate.num <= 0) continue;
    if (estimate.num > SLAB_OBJ_MAX_NUM) break;
    if (request.place === "off-slab") {
      const asksCost = since(kernel, "4.6");
      if (!asksCost && estimate.num > request.size) break;
      if (asksCost && !isWorthOffSlab(estimate.num, request)) continue;
    }
    found = estimate;
    // Reclaimable caches are filled under GFP_NOFS, where higher orders are hard to get.
    if (request.reclaimable || order >= request.maxOrder) break;
    if (estimate.leftOver * 8 <= PAGE_SIZE << order) break;
  }
  return found;
}

/** There is a cache for the indices, and they do not cost more than half an object there. */
function isWorthOffSlab(num: number, request: SlabOrderRequest): boolean {
  return request.holdsIndexes(num) && offSlabCost(num) <= request.objectSize >> 1;
}

/** Bytes an object of the kmalloc cache takes that would hold the indices of `num` objects. */
function offSlabCost(num: number): number {
  const size = kmallocSize(kmallocIndex("slab", num));
  return alignUp(size, calculateAlignment(SLAB_HWCACHE_ALIGN, 0, size));
}
