// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB's layouts. Structs that are objects of caches themselves are asked for by the sizes of the
 * real kernels on x86-64, into which these fit.
 *
 *   a CPU's block | 16 counters | array_cache
 *   array_cache   | avail | limit | batchcount | touched | entry 0 | entry 1 | …
 *                  entry 0 is the oldest; objects are taken from the end.
 */

import { type KernelVersion, since } from "../caches/kernel-version.ts";
import { type KmemCachePtr, kmemCacheFields } from "../caches/kmem-cache.ts";
import type { Address, Ptr } from "../machine/memory.ts";
import { lock } from "../machine/spinlock.ts";
import { embed, list, ptr, sizeOf, struct, word } from "../machine/struct.ts";

import { SLAB_STAT_NAMES } from "./statistics.ts";

export type { KmemCachePtr };

export const KmemCache = struct(
  "kmem_cache",
  {
    ...kmemCacheFields,
    /** Objects moved at a time, objects a CPU may hold, batches a node's shared array holds. */
    batchcount: word,
    limit: word,
    shared: word,
    /** Objects of a slab, and log2 of its pages. */
    num: word,
    gfporder: word,
    /** Different offsets at which a slab's objects may begin; 0 and 1 mean none. */
    colour: word,
    freelistSize: word,
    /** DEBUG_SLAB: where the object starts in its buffer. */
    objOffset: word,
  },
  128,
);

export type KmemCacheNodePtr = Ptr<"kmem_cache_node">;

/** sizeof(struct kmem_cache_node) */
export function kmemCacheNodeBytes(kernel: KernelVersion): number {
  return since(kernel, "6.1") ? 120 : 104;
}

/** A node's share of a cache. listLock guards all but nextReap and freeTouched, which are hints. */
export const KmemCacheNode = struct(
  "kmem_cache_node",
  {
    listLock: lock,
    slabsPartial: list,
    slabsFull: list,
    slabsFree: list,
    totalSlabs: word,
    freeSlabs: word,
    /** Objects on the slabs of this node that no array and no user holds. */
    freeObjects: word,
    /** More free objects than this, and empty slabs are given back. */
    freeLimit: word,
    colourNext: word,
    /** Array of all CPUs of the node, or 0. */
    shared: ptr,
    /** One pointer a node: the alien cache for its objects, or 0. */
    alien: ptr,
    /** Jiffies. */
    nextReap: word,
    /** An empty slab was looked for since the last reaping. */
    freeTouched: word,
    /** With DEBUG_SLAB: the most objects that were out, the most empty slabs (statistics). */
    highMark: word,
    maxFreeable: word,
  },
  104,
);

export type ArrayCachePtr = Ptr<"array_cache">;

export const ArrayCache = struct("array_cache", {
  avail: word,
  limit: word,
  batchcount: word,
  touched: word,
});

/** Before a CPU's array lie its event counters (statistics.ts): a free touches both, so one block. */
export const COUNTERS = -4 * SLAB_STAT_NAMES.length;

/** Where an array's entries begin. */
export const ENTRY = sizeOf(ArrayCache);

/** sizeof(struct array_cache) + `entries` pointers of 8 bytes. */
export function arrayCacheBytes(entries: number): number {
  return 16 + 8 * entries;
}

export type AlienCachePtr = Ptr<"alien_cache">;

/** An array for the objects of another node, with a lock of its own. */
export const AlienCache = struct("alien_cache", { lock, ac: embed(ArrayCache) });

/** sizeof(struct alien_cache) + `entries` pointers of 8 bytes. */
export function alienCacheBytes(entries: number): number {
  return 24 + 8 * entries;
}

/** The address of an array's `i`th entry, 0 the oldest. */
export function entryAt(ac: ArrayCachePtr, i: number): Address {
  return ac + ENTRY + (i << 2);
}
