// SPDX-License-Identifier: GPL-2.0-only
/**
 * struct kmem_cache, the part that every allocator has; each appends its own fields. Written while
 * the cache is made, under slab_mutex; afterwards mostly read.
 */
import { MAX_NUMNODES } from "../machine/machine.ts";
import type { Ptr } from "../machine/memory.ts";
import { array, list, ptr, struct, word } from "../machine/struct.ts";

export type KmemCachePtr = Ptr<"kmem_cache">;

export const kmemCacheFields = {
  /** SLUB with cpu slabs: per-CPU offset of struct kmem_cache_cpu. SLAB: of the array caches. */
  cpuSlab: ptr,
  flags: word,
  /** Bytes with metadata, and without. */
  size: word,
  objectSize: word,
  align: word,
  /** Number of the constructor in the machine's function table, 0: none. */
  ctor: word,
  /** Caches that share this one; below 0: never to be merged. */
  refcount: word,
  /** NUL-terminated, in the machine's memory. */
  name: ptr,
  /** slab_caches */
  list,
  allocflags: word,
  /** Window that may be copied to and from user space. */
  useroffset: word,
  usersize: word,
  /** Permutation of the objects of a slab, or 0. */
  randomSeq: ptr,
  node: array(ptr, MAX_NUMNODES),
  /** LIVE_CACHE ^ its address while the cache is on the list: what a program takes for one is looked at here. */
  magic: word,
  /**
   * 4.1: what it has of memory groups; 0 where there are none. Later kernels have no cache of a group,
   * and KASAN's word here (caches/kasan/layout.ts), which 4.1 has not: there is room for one of them.
   */
  memcgParams: ptr,
} as const;

/** An odd number that no program is likely to write. */
export const LIVE_CACHE = 0x5cac4e01;

export const KmemCacheBase = struct("kmem_cache", kmemCacheFields);

/** offsetof(struct kmem_cache, node) of a 4.1 kernel (x86-64): what its bytes are counted by. */
export const KMEM_CACHE_NODE_OFFSET = { slub: 192, slab: 128 } as const;
/** The same of SLAB in 6.1. */
export const SLAB_6_1_NODE_OFFSET = 120;

/** How far the allocator has come up. Only ever grows. */
export const SLAB_STATE = { DOWN: 0, PARTIAL: 1, PARTIAL_NODE: 2, UP: 3, FULL: 4 } as const;
