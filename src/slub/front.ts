// SPDX-License-Identifier: GPL-2.0-only
/**
 * What the slab layer asks of a front. A front hands objects out and takes them back, and for that
 * keeps some of each cache's slabs or objects with each CPU. Fronts import the layer and implement
 * these interfaces; the layer knows no front.
 */
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { KmemCachePtr } from "./structs.ts";

/** What a front keeps for the CPUs: made with a cache, given back to the nodes, gone with the cache. */
export interface Front {
  /** The cache is new: makes what each CPU keeps of it. False: no memory, and nothing was made. */
  openCpus(s: KmemCachePtr): boolean;

  /** The cache is closed and flushed: frees what openCpus made. */
  closeCpus(s: KmemCachePtr): void;

  /**
   * flush_all: every CPU gives back to the nodes what it keeps of the cache, each by itself.
   * Interrupts are on.
   */
  flushAll(s: KmemCachePtr): void;

  /** This CPU gives back what it keeps of the cache. Interrupts are off. */
  flushThisCpu(s: KmemCachePtr): void;

  /** Gives back what an absent CPU kept of the cache; it runs nothing. Interrupts are off. */
  flushDeadCpu(s: KmemCachePtr, cpu: number): void;
}

/** The front's two calls. The layer's own structs are objects that it gets and frees by them. */
export interface FastPaths {
  /** One object, or 0. `node` may be NUMA_NO_NODE. */
  slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address;
  /** `page` is the head page of the object's slab. */
  slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void;
}
