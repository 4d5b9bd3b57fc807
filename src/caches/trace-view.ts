// SPDX-License-Identifier: GPL-2.0-only
/** What a script shows of a cache; each allocator has its own words for it. */

import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { KmemCachePtr } from "./kmem-cache.ts";

/** Number of a slab by its head page; -1 while none of its objects was handed out. */
export type SlabNumbers = (page: PagePtr) => number;

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
}
