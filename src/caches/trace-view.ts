// SPDX-License-Identifier: GPL-2.0-only
/** What a script shows of a cache; each allocator has its own words for it. */

import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { KmemCachePtr } from "./kmem-cache.ts";

/** Number of a slab by its head page; -1 while none of its objects was handed out. */
export type SlabNumbers = (page: PagePtr) => number;

/** What a script does with sheaves, on the CPU it is; of SLUB 7.1. */
export interface SheafSteps {
  /** A sheaf of the script's, or 0. */
  prefill(s: KmemCachePtr, size: number): Address;
  allocFromSheaf(sheaf: Address): Address;
  refill(s: KmemCachePtr, sheaf: Address, size: number): Address;
  giveBack(s: KmemCachePtr, sheaf: Address): void;
  /** `28/28`: objects and capacity. */
  describeSheaf(sheaf: Address): string;
  /** False: the object waits in a batch of its CPU's, which is the script's to free. */
  kfreeRcu(s: KmemCachePtr, object: Address): boolean;
  flushRcuSheaves(s: KmemCachePtr): void;
  freeBatch(objects: Address[]): void;
  flushThisCpu(s: KmemCachePtr): void;
  /** An object, or 0: no lock is waited for. */
  allocNolock(s: KmemCachePtr): Address;
  freeNolock(s: KmemCachePtr, object: Address): void;
  runDeferred(): void;
  setMinPartial(s: KmemCachePtr, least: number): void;
  /** Does something while a lock is held that it can only try to take. */
  withLock<T>(s: KmemCachePtr, lock: "sheaf" | "barn" | "list", act: () => T): T;
}

/** `single`: as one CPU's story, without numbers of CPUs and nodes. */
export interface TraceStyle {
  readonly single: boolean;
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
