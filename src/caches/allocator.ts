// SPDX-License-Identifier: GPL-2.0-only
/**
 * The allocator as slab_common and its users see it. SLUB and SLAB stand behind it; no call of a
 * program asks which. All methods take and give addresses; none throws because memory runs out.
 */
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { AllocatorName } from "./flags.ts";
import type { HotplugSteps } from "./hotplug-steps.ts";
import type { KmemCachePtr } from "./kmem-cache.ts";

/** The calls that failslab, init_on_alloc and checkers extend at boot, in either allocator. */
export interface Allocating {
  /** One object, or 0. `node` may be NUMA_NO_NODE. */
  slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address;
  /** Fills p[0..size) and returns size, or 0 and nothing is held. */
  allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number;
  /** Gives one object back; `page` is the head page of its slab. */
  slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void;
  /** Frees p[0..size); with s = 0 the objects may be of any kmalloc cache. */
  freeBulk(s: KmemCachePtr, size: number, p: Address[]): void;
}

/** Members of struct kmem_cache_args that SLUB since 6.12 understands. */
export interface SheafArgs {
  /** Objects that a sheaf shall hold at least; such a cache stays alone. */
  readonly sheafCapacity?: number;
  /** Where in the object the free pointer may lie, though its users look at free objects. */
  readonly freeptrOffset?: number | undefined;
}

/** The calls that SLUB has since 6.18. All take and give objects of any cache, with sheaves or not. */
export interface SheafCalls {
  /** kvfree_call_rcu: false where no sheaf takes the object, which is still the caller's. */
  kfreeRcu(s: KmemCachePtr, object: Address): boolean;
  /** Every CPU hands what it has collected of kfree_rcu to RCU. No CPU may come or go. May sleep. */
  flushRcuSheaves(s: KmemCachePtr): void;
  /** kmem_cache_prefill_sheaf: a sheaf of the caller's with at least `size` objects, or 0. */
  prefillSheaf(s: KmemCachePtr, gfp: number, size: number): Address;
  /** kmem_cache_alloc_from_sheaf: an object; 0 where the sheaf is empty. */
  allocFromSheaf(s: KmemCachePtr, gfp: number, sheaf: Address): Address;
  /**
   * kmem_cache_refill_sheaf: the sheaf, or another in its place, with at least `size` objects; 0: no
   * memory, and the sheaf is as it was.
   */
  refillSheaf(s: KmemCachePtr, gfp: number, sheaf: Address, size: number): Address;
  /** kmem_cache_sheaf_size: objects in a sheaf of a caller's. */
  sheafSize(s: KmemCachePtr, sheaf: Address): number;
  /** kmem_cache_return_sheaf, with what is left in it. */
  returnSheaf(s: KmemCachePtr, gfp: number, sheaf: Address): void;
  /** kmalloc_nolock on one cache: an object, or 0 where a lock would have to be waited for. */
  allocNolock(s: KmemCachePtr, gfp: number, node: number): Address;
  /** kfree_nolock: from any context. */
  freeNolock(s: KmemCachePtr, object: Address): void;
  /** defer_free_barrier: the frees that nolock calls have put off are done. May sleep. */
  deferFreeBarrier(): void;
}

export interface Allocator extends Allocating {
  readonly name: AllocatorName;
  /** Smallest and largest size that kmalloc takes from a cache, as powers of two. */
  readonly kmallocShiftLow: number;
  readonly kmallocShiftHigh: number;

  /** Number of the size class that serves kmalloc(size). */
  kmallocIndexOf(size: number): number;

  /** kmem_cache_init: comes up out of nothing, up to and including the kmalloc caches. */
  kmemCacheInit(): void;
  /** kmem_cache_init_late */
  kmemCacheInitLate(): void;

  /** Bytes that may be used of an object of the cache. */
  slabKsize(s: KmemCachePtr): number;

  /** __kmem_cache_create: completes a cache whose name, size, align and ctor are set. 0 or -errno. */
  create(s: KmemCachePtr, flags: number, args?: SheafArgs): number;
  /** An alias with larger objects has come: SLUB keeps that many bytes of metadata off. */
  growInuse?(s: KmemCachePtr, least: number): void;
  /** __kmem_cache_shutdown: gives all slabs back; false if objects remain. */
  shutdown(s: KmemCachePtr): boolean;
  /** Frees what `create` made. */
  release(s: KmemCachePtr): void;
  /** __kmem_cache_shrink: gives empty slabs back; non-zero if slabs remain. */
  shrink(s: KmemCachePtr): number;

  /** __kmem_cache_shrink(deactivate): shrinks the cache of a dead group, and SLUB keeps no empty slab of it. */
  deactivate(s: KmemCachePtr): void;

  /** obj_to_index: the number of an object in its slab. */
  objToIndex(s: KmemCachePtr, page: PagePtr, object: Address): number;
  /** objs_per_slab */
  objsPerSlab(s: KmemCachePtr, page: PagePtr): number;

  /** do_tune_cpucache for one cache: 0, or -EIO where there are no queues. May sleep. */
  tune(s: KmemCachePtr, limit: number, batchcount: number, shared: number): number;

  /** Where it has sheaves. */
  readonly sheafCalls?: SheafCalls;

  /** What it does when CPUs and nodes come and go. */
  readonly hotplug: HotplugSteps;

  /**
   * It is `jiffies` (4 ms each) since the boot, on this CPU: periodic work is done if its time has
   * come. May sleep.
   */
  tick(jiffies: number): void;

  // How much of an object was asked for: a 6.1 debug cache that tracks users of kmalloc notes it.

  /** set_orig_size */
  noteRequested?(s: KmemCachePtr, object: Address, size: number): void;
  /** get_orig_size; what may be used of the object where nothing was noted. */
  requestedSize?(s: KmemCachePtr, object: Address): number;

  /**
   * cache_from_obj, of an object of `owner` that is freed to `s`: warns, and says where to free it; 0:
   * nowhere. undefined: the kernel would not have noticed.
   */
  cacheFromObj?(
    s: KmemCachePtr,
    owner: KmemCachePtr,
    page: PagePtr,
    object: Address,
  ): KmemCachePtr | undefined;

  /** __check_heap_object: why `length` bytes at an address must not be shown; undefined: they may. */
  heapObjectError(
    s: KmemCachePtr,
    page: PagePtr,
    address: Address,
    length: number,
  ): string | undefined;
}
