// SPDX-License-Identifier: GPL-2.0-only
/** The life of a cache since Linux 5.16, whose cpu partial lists are counted in slabs. */
import { CacheLifetimeCounted } from "./cache-lifetime-counted.ts";
import { cpuPartialSlabs } from "./geometry.ts";
import { KmemCache, type KmemCachePtr, ooObjects } from "./structs.ts";

export class CacheLifetimeBySlabs extends CacheLifetimeCounted {
  /** slub_set_cpu_partial */
  override setCpuPartial(s: KmemCachePtr, objects: number): void {
    const { memory } = this;
    super.setCpuPartial(s, objects);
    const slabs = cpuPartialSlabs(objects, ooObjects(memory.readOnce(s + KmemCache.oo)));
    memory.writeOnce(s + KmemCache.cpuPartialSlabs, slabs);
  }
}
