// SPDX-License-Identifier: GPL-2.0-only
/**
 * How many pages a SLUB slab takes: the search for an order that wastes little and still holds
 * enough objects. The rule is the same in 4.1 and 6.1, which differ only in the CPUs they count, and
 * simpler in 7.1.
 */
import { fls, getOrder, MAX_ORDER } from "../caches/alignment.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../machine/machine.ts";
import { MAX_OBJS_PER_PAGE } from "./counters.ts";

/** `struct kmem_cache_order_objects` is one word: the order above these bits, the objects below. */
export const OO_SHIFT = 16;
export const OO_MASK = (1 << OO_SHIFT) - 1;

/** The limits of the search for an order. */
export interface OrderLimits {
  readonly minOrder: number;
  readonly maxOrder: number;
  /** Objects a slab should hold at least, if maxOrder allows. */
  readonly minObjects: number;
}

/** Objects that fit a slab; the order may exceed what the page allocator serves. */
export function orderObjects(order: number, size: number, reserved: number): number {
  return Math.floor((PAGE_SIZE * 2 ** order - reserved) / size);
}

/**
 * The order of a cache's slabs since Linux 6.7 (`calculate_order`): the accepted waste grows from
 * 1/16 to 1/2, the wanted number of objects never shrinks, and what fits no order takes any.
 */
export function calculateOrderOfWanted(size: number, limits: OrderLimits): number | undefined {
  const most = Math.max(orderObjects(limits.maxOrder, size, 0), 1);
  const wanted = Math.min(limits.minObjects, most) * size;
  const least = Math.max(limits.minOrder, getOrder(wanted));
  if (orderObjects(least, size, 0) > MAX_OBJS_PER_PAGE) {
    return getOrder(size * MAX_OBJS_PER_PAGE) - 1;
  }
  for (let fraction = 16; fraction > 1; fraction /= 2) {
    for (let order = least; order <= limits.maxOrder; order++) {
      const bytes = PAGE_SIZE << order;
      if (bytes % size <= Math.floor(bytes / fraction)) return order;
    }
  }
  const order = getOrder(size);
  return order < MAX_ORDER ? order : undefined;
}

/** What `slub_min_objects` is when not given: grows with the logarithm of the CPUs. */
export function defaultMinObjects(cpus: number): number {
  return 4 * (fls(cpus) + 1);
}

/**
 * The least order from `minOrder` on that holds `minObjects` and leaves at most one part in `fraction`
 * unused, or an order above `maxOrder` if there is none (mm/slub.c `slab_order`).
 */
function slabOrder(size: number, limits: OrderLimits, fraction: number, reserved: number): number {
  const { minOrder, maxOrder, minObjects } = limits;
  if (orderObjects(minOrder, size, reserved) > MAX_OBJS_PER_PAGE) {
    return getOrder(size * MAX_OBJS_PER_PAGE) - 1;
  }
  let order = Math.max(minOrder, fls(minObjects * size - 1) - PAGE_SHIFT);
  for (; order <= maxOrder; order++) {
    const usable = (PAGE_SIZE << order) - reserved;
    if (usable < minObjects * size) continue;
    if (usable % size <= Math.floor((PAGE_SIZE << order) / fraction)) break;
  }
  return order;
}

/**
 * The order of a cache's slabs, or undefined where no order holds one object (mm/slub.c
 * `calculate_order`, 4.1.52 and 6.1.192). First the accepted waste grows from 1/16 to 1/4, then
 * the wanted number of objects shrinks; a single object takes any order, at last above the limit.
 */
export function calculateOrder(
  size: number,
  limits: OrderLimits,
  reserved: number,
): number | undefined {
  const { minOrder, maxOrder } = limits;
  let minObjects = Math.min(limits.minObjects, orderObjects(maxOrder, size, reserved));
  for (; minObjects > 1; minObjects--) {
    for (let fraction = 16; fraction >= 4; fraction /= 2) {
      const order = slabOrder(size, { ...limits, minObjects }, fraction, reserved);
      if (order <= maxOrder) return order;
    }
  }
  const single = slabOrder(size, { ...limits, minObjects: 1 }, 1, reserved);
  if (single <= maxOrder) return single;
  const highest = slabOrder(size, { minOrder, maxOrder: MAX_ORDER, minObjects: 1 }, 1, reserved);
  return highest < MAX_ORDER ? highest : undefined;
}

export interface OrderObjects {
  readonly order: number;
  readonly objects: number;
}

/**
 * Order and objects as they come back out of the one word that holds both (`oo_make`). Counts of
 * 65536 and more run into the order, as they do in the kernel.
 */
export function makeOrderObjects(order: number, size: number, reserved: number): OrderObjects {
  const word = (order << OO_SHIFT) + orderObjects(order, size, reserved);
  return { order: word >>> OO_SHIFT, objects: word & OO_MASK };
}
