// SPDX-License-Identifier: GPL-2.0-only
/**
 * The life of a cache since Linux 6.1: a slab that shrinking takes off its list is counted out under
 * the same list_lock (c7323a5ad078).
 */
import { Page, type PagePtr } from "../pages/page.ts";
import { CacheLifetime } from "./cache-lifetime.ts";
import { objectsOf } from "./counters.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "./structs.ts";

export class CacheLifetimeCounted extends CacheLifetime {
  protected override takeOff(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): void {
    super.takeOff(s, n, page);
    const counters = this.memory.readOnce(page + Page.counters);
    this.parts.slabPages.decSlabsNode(s, page, objectsOf(counters));
  }

  protected override giveBack(s: KmemCachePtr, page: PagePtr): void {
    this.parts.slabPages.freeSlab(s, page);
  }
}
