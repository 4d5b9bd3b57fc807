// SPDX-License-Identifier: GPL-2.0-only
/**
 * The life of a cache since Linux 5.16, whose cpu partial lists are counted in slabs. Since 6.1 a slab
 * that shrinking takes off its list is counted out under the same list_lock (c7323a5ad078).
 */
import { Page, type PagePtr } from "../pages/page.ts";
import { CacheLifetime } from "./cache-lifetime.ts";
import { objectsOf } from "./counters.ts";
import { cpuPartialSlabs } from "./geometry.ts";
import { KmemCache, type KmemCacheNodePtr, type KmemCachePtr, ooObjects } from "./structs.ts";

export class CacheLifetimeBySlabs extends CacheLifetime {
  /** slub_set_cpu_partial */
  override setCpuPartial(s: KmemCachePtr, objects: number): void {
    const { memory } = this;
    super.setCpuPartial(s, objects);
    const slabs = cpuPartialSlabs(objects, ooObjects(memory.readOnce(s + KmemCache.oo)));
    memory.writeOnce(s + KmemCache.cpuPartialSlabs, slabs);
  }

  protected override takeOff(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): void {
    super.takeOff(s, n, page);
    const counters = this.memory.readOnce(page + Page.counters);
    this.parts.slabPages.decSlabsNode(s, page, objectsOf(counters));
  }

  protected override giveBack(s: KmemCachePtr, page: PagePtr): void {
    this.parts.slabPages.freeSlab(s, page);
  }
}
