// SPDX-License-Identifier: GPL-2.0-only
/** What a script shows of a cache; each allocator has its own words for it. */

import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { KmemCachePtr } from "./kmem-cache.ts";

/** Number of a slab by its head page; -1 while none of its objects was handed out. */
export type SlabNumbers = (page: PagePtr) => number;

/** What a script does with sheaves beyond the calls of a program (SheafCalls); of SLUB 7.1. */
export interface SheafSteps {
  /** `28/28`: objects and capacity. */
  describeSheaf(sheaf: Address): string;
  /** pcs_flush_all on the CPU that the script is on, and the same for the sheaf of kfree_rcu alone. */
  flushThisCpu(s: KmemCachePtr): void;
  flushRcuOfThisCpu(s: KmemCachePtr): void;
  setMinPartial(s: KmemCachePtr, least: number): void;
  /** Does something while a lock is held that it can only try to take. */
  withLock<T>(s: KmemCachePtr, lock: "sheaf" | "barn" | "list", act: () => T): T;
}

export interface TraceView {
  /** 4.1 has no bulk calls. */
  readonly hasBulk: boolean;
  /** The cache's shape, once it is created. */
  describe(s: KmemCachePtr): Record<string, unknown>;
  /** What is said of a slab when its first object is handed out. */
  describeSlab(s: KmemCachePtr, page: PagePtr): Record<string, number>;
  /** Number of an object within its slab, from 0. */
  indexOf(s: KmemCachePtr, page: PagePtr, object: Address): number;
  /** Lists and counts, in one line. */
  state(s: KmemCachePtr, numbers: SlabNumbers): string;
  /** Everything, at an `S`. */
  snapshot(s: KmemCachePtr, numbers: SlabNumbers): Record<string, unknown>;
  /** Sets SLUB's remote_node_defrag_ratio to a raw value; nothing elsewhere. */
  setRemoteNodeDefragRatio(s: KmemCachePtr, ratio: number): void;
  /** Where the allocator has sheaves. */
  readonly sheafSteps?: SheafSteps;
}
