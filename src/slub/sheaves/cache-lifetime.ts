// SPDX-License-Identifier: GPL-2.0-only
/** A cache with sheaves: its capacity, and what is to come back before its slabs can go. */

import { SLAB_CACHE_DMA, SLAB_KMALLOC, SLAB_RECLAIM_ACCOUNT } from "../../caches/flags.ts";
import type { CacheLifetimeParts } from "../cache-lifetime.ts";
import { CacheLifetimeCounted } from "../cache-lifetime-counted.ts";
import type { SlubGeometry } from "../geometry.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import type { SheafFront } from "./front.ts";

/** A kmalloc cache with one of these came up after sheaves could be had. */
const LATE_KMALLOC = SLAB_CACHE_DMA | SLAB_RECLAIM_ACCOUNT;

export interface SheafLifetimeParts extends CacheLifetimeParts {
  readonly front: SheafFront;
}

export class SheafLifetime extends CacheLifetimeCounted {
  declare protected readonly parts: SheafLifetimeParts;

  protected override setGeometry(s: KmemCachePtr, geometry: SlubGeometry): void {
    super.setGeometry(s, geometry);
    // Sheaves of normal kmalloc caches lie in kmalloc caches: those get theirs when all exist.
    const isKmalloc = (geometry.flags & SLAB_KMALLOC) !== 0;
    const isEarly = isKmalloc && (geometry.flags & LATE_KMALLOC) === 0;
    this.memory.write32(s + KmemCache.sheafCapacity, isEarly ? 0 : geometry.sheafCapacity);
  }

  protected override giveBackAll(s: KmemCachePtr): void {
    super.giveBackAll(s);
    this.parts.front.shrinkBarns(s);
  }

  override close(s: KmemCachePtr): boolean {
    this.parts.front.flushAll(s);
    // Sheaves of kfree_rcu hold objects until their grace period is over.
    this.context.machine.rcu.barrier();
    return super.close(s);
  }
}
