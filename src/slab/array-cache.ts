// SPDX-License-Identifier: GPL-2.0-only
/**
 * The array of pointers that all of SLAB's queues are: a CPU's own (touched with interrupts off on
 * that CPU), a node's shared one (under list_lock), an alien one (under its own lock). The last
 * entry is the one freed last; batches leave from the front, the oldest and coldest.
 *
 * Writes of `avail` are marked: whether a shared or alien array has any objects is looked at without
 * its lock.
 */
import type { Address, Memory } from "../machine/memory.ts";
import { ArrayCache, type ArrayCachePtr, entryAt } from "./structs.ts";

// A local name, since every object of a batch passes: see machine/inlining.ts.
const AVAIL = ArrayCache.avail;

/** Of shared and alien arrays, which are never moved in batches of their own; shows misuse. */
export const BATCHCOUNT_UNUSED = 0xbaadf00d | 0;

/** SLAB_OBJ_PFMEMALLOC: the mark of an entry whose object is of the reserves. */
export const OBJ_PFMEMALLOC = 1;

/**
 * init_arraycache, of an array that is not published yet. The writes are ordered ones because a
 * CPU's own array lies in that CPU's area, where other CPUs may not write plainly.
 */
export function initArray(
  memory: Memory,
  ac: ArrayCachePtr,
  limit: number,
  batchcount: number,
): void {
  memory.storeRelease(ac + AVAIL, 0);
  memory.storeRelease(ac + ArrayCache.limit, limit);
  memory.storeRelease(ac + ArrayCache.batchcount, batchcount);
  memory.storeRelease(ac + ArrayCache.touched, 0);
}

/** Adds an object at the end; the caller has seen that there is room. */
export function pushObject(memory: Memory, ac: ArrayCachePtr, object: Address): void {
  const avail = memory.read32(ac + AVAIL);
  memory.write32(entryAt(ac, avail), object);
  memory.writeOnce(ac + AVAIL, avail + 1);
}

/** Takes the object at the end; the caller has seen that there is one. */
export function popObject(memory: Memory, ac: ArrayCachePtr): Address {
  const avail = memory.read32(ac + AVAIL) - 1;
  memory.writeOnce(ac + AVAIL, avail);
  return memory.read32(entryAt(ac, avail));
}

/** The `count` oldest entries. */
export function oldestObjects(memory: Memory, ac: ArrayCachePtr, count: number): Address[] {
  const objects: Address[] = [];
  for (let i = 0; i < count; i++) objects.push(memory.read32(entryAt(ac, i)));
  return objects;
}

/** Removes the `count` oldest entries; the others move to the front. */
export function dropOldest(memory: Memory, ac: ArrayCachePtr, count: number): void {
  const left = memory.read32(ac + AVAIL) - count;
  memory.writeOnce(ac + AVAIL, left);
  if (left > 0) memory.copy(entryAt(ac, 0), entryAt(ac, count), left << 2);
}

/** transfer_objects: up to `max` of the newest entries of `from` become the newest of `to`. */
export function transferObjects(
  memory: Memory,
  to: ArrayCachePtr,
  from: ArrayCachePtr,
  max: number,
): number {
  const had = memory.read32(from + AVAIL);
  const has = memory.read32(to + AVAIL);
  const moved = Math.min(had, max, memory.read32(to + ArrayCache.limit) - has);
  if (moved <= 0) return 0;
  memory.copy(entryAt(to, has), entryAt(from, had - moved), moved << 2);
  memory.writeOnce(from + AVAIL, had - moved);
  memory.writeOnce(to + AVAIL, has + moved);
  return moved;
}
