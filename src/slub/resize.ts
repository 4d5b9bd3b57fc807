// SPDX-License-Identifier: GPL-2.0-only
/**
 * calculate_sizes for a live cache: sysfs has changed a debug flag or asks for another order. Existing
 * slabs keep their order and the number of objects in their counters; `max` only grows, since bitmaps
 * are sized by it.
 */
import { KASAN_INFO } from "../caches/kasan/layout.ts";
import type { Memory } from "../machine/memory.ts";
import { allocationFlags, calculateSizes, orderLimits, type SlubSizes } from "./geometry.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, type KmemCachePtr, ooMake, ooObjects } from "./structs.ts";

/** Sets a new layout, in slabs of `forcedOrder` if given. False: no slab would hold an object. */
export function resize(context: SlubContext, s: KmemCachePtr, forcedOrder?: number): boolean {
  const { memory, machine, common } = context;
  const { cpus } = machine.options;
  const { kernel } = common;
  const limits = orderLimits({ kernel, cpus, presentCpus: cpus }, common.parameters);
  const sizes = calculateSizes(
    kernel,
    limits,
    {
      objectSize: memory.read32(s + KmemCache.objectSize),
      align: memory.read32(s + KmemCache.align),
      flags: memory.read32(s + KmemCache.flags),
      ctor: memory.read32(s + KmemCache.ctor) !== 0,
      reserved: memory.read32(s + KmemCache.reserved),
      // 4.1 keeps the offset it had when poisoning goes, and then writes behind the object.
      offset: 0,
      redLeftPad: 0,
      kasan: common.config.includes("KASAN"),
    },
    forcedOrder,
  );
  if (sizes === undefined) return false;
  writeSizes(memory, s, sizes);
  return true;
}

/** Writes what calculateSizes decided into a cache, new or live. */
export function writeSizes(memory: Memory, s: KmemCachePtr, sizes: SlubSizes): void {
  const oo = ooMake(sizes.order, sizes.objects);
  const max = memory.read32(s + KmemCache.max);
  memory.write32(s + KmemCache.flags, sizes.flags);
  memory.write32(s + KmemCache.size, sizes.size);
  memory.write32(s + KmemCache.inuse, sizes.inuse);
  memory.write32(s + KmemCache.offset, sizes.offset);
  memory.write32(s + KmemCache.redLeftPad, sizes.redLeftPad);
  if (sizes.kasan !== 0) memory.write32(s + KASAN_INFO, sizes.kasan);
  // The page allocator here is 4.1's, whichever kernel's rules shape the cache.
  const allocflags = allocationFlags("4.1", sizes.flags, sizes.order);
  memory.write32(s + KmemCache.allocflags, allocflags);
  memory.write32(s + KmemCache.min, ooMake(sizes.minOrder, sizes.minObjects));
  memory.write32(s + KmemCache.max, sizes.objects > ooObjects(max) ? oo : max);
  // Last, and in one word: a CPU that makes a slab meanwhile reads order and objects together.
  memory.writeOnce(s + KmemCache.oo, oo);
}
