// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLUB's layouts. struct kmem_cache and struct kmem_cache_node are objects of caches themselves;
 * sizes given to those caches are the ones of a 4.1 kernel on x86-64, into which these fit.
 */
import { type KmemCachePtr, kmemCacheFields } from "../caches/kmem-cache.ts";
import { MAX_CPUS } from "../machine/cpus.ts";
import { MAX_NUMNODES } from "../machine/machine.ts";
import type { Ptr } from "../machine/memory.ts";
import { lock } from "../machine/spinlock.ts";
import { array, firstOfTwo, list, ptr, struct, word } from "../machine/struct.ts";
import { OO_MASK, OO_SHIFT } from "./order.ts";
import { STAT_NAMES } from "./statistics.ts";

export type { KmemCachePtr };

export const KmemCache = struct(
  "kmem_cache",
  {
    ...kmemCacheFields,
    /** Offset of the free pointer from the object's start. */
    offset: word,
    /** Key of hardened free pointers. */
    random: word,
    minPartial: word,
    /** Objects that the cpu partial list may hold before it is drained, and what counts since 5.16. */
    cpuPartial: word,
    cpuPartialSlabs: word,
    /** Order and objects of a slab: preferred, largest ever, and fallback (oo_make). */
    oo: word,
    max: word,
    min: word,
    inuse: word,
    reserved: word,
    redLeftPad: word,
    /** Chance in 1024 that an allocation looks for partial slabs on other nodes. */
    remoteNodeDefragRatio: word,
    /** Per-CPU offset of the statistics, a word an event. */
    cpuStats: ptr,
    /** Since 6.18: per-CPU offset of struct slub_percpu_sheaves, objects a sheaf holds, each node's barn. */
    cpuSheaves: ptr,
    sheafCapacity: word,
    barn: array(ptr, MAX_NUMNODES),
  },
  192,
);

export type KmemCacheCpuPtr = Ptr<"kmem_cache_cpu">;

/**
 * What a CPU has of a cache. freelist and tid are swapped as one double word.
 *
 *      tid:   31 .................. 6   5 ...... 0
 *            +------------------------+-----------+
 *            |  operations so far     |    CPU    |
 *            +------------------------+-----------+
 */
export const KmemCacheCpu = struct("kmem_cache_cpu", {
  /** Private list of free objects of `page`. */
  freelist: firstOfTwo(ptr),
  tid: word,
  /**
   * The slab this CPU allocates from; set whenever freelist is. All four words are written marked
   * (cpu-slab/cpu-slab.ts).
   */
  page: ptr,
  /** Frozen slabs with some free objects, chained by page->next. */
  partial: ptr,
  stat: array(word, STAT_NAMES.length),
});

export type KmemCacheNodePtr = Ptr<"kmem_cache_node">;

/** sizeof(struct kmem_cache_node) with SLUB_DEBUG. */
export const KMEM_CACHE_NODE_BYTES = 64;

/** What a node has of a cache. listLock guards both lists and nrPartial. */
export const KmemCacheNode = struct(
  "kmem_cache_node",
  {
    listLock: lock,
    nrPartial: word,
    partial: list,
    /** Atomic counts. */
    nrSlabs: word,
    totalObjects: word,
    /** Full slabs, kept only where users are tracked. */
    full: list,
  },
  KMEM_CACHE_NODE_BYTES,
);

/**
 * tid changes with each operation on a cpu slab's list and names the CPU in its low bits, so that
 * neither an operation in between nor another CPU's list can be mistaken for the one that was read.
 * With 64 CPUs, 26 bits count operations: only a context that is interrupted between reading tid and
 * the swap for exactly 67,108,864 of them takes the new tid for the old one.
 */
export const TID_STEP = MAX_CPUS;

export function nextTid(tid: number): number {
  return (tid + TID_STEP) | 0;
}

/** oo_make: order and objects in one word, so that both are read at once. */
export function ooMake(order: number, objects: number): number {
  return (order << OO_SHIFT) | objects;
}

export function ooOrder(oo: number): number {
  return oo >>> OO_SHIFT;
}

export function ooObjects(oo: number): number {
  return oo & OO_MASK;
}
