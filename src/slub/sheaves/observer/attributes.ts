// SPDX-License-Identifier: GPL-2.0-only
/**
 * The files of /sys/kernel/slab/<cache>/ of SLUB with sheaves, in the kernel's order. Files of what
 * there is no more are kept for programs that read them: cpu_slabs, cpu_partial, slabs_cpu_partial.
 * Objects in sheaves count as used.
 */
import { type Attribute, type Attributes, readOnly } from "../../../caches/attribute.ts";
import { EINVAL } from "../../../caches/errno.ts";
import type { KmemCachePtr } from "../../../caches/kmem-cache.ts";
import { LayerCounts } from "../../observer/layer-counts.ts";
import { kfenceFiles, layerFiles, statisticFiles, wordFile } from "../../observer/layer-files.ts";
import { KmemCache } from "../../structs.ts";
import type { SheafSlub } from "../slub.ts";
import { SHEAF_STAT_NAMES } from "../statistics.ts";

/** The counts of a CPU that is gone are not shown; they are there again when it comes back. */
class SheafCounts extends LayerCounts {
  override statistic(s: KmemCachePtr, item: number): number[] {
    const { presence } = this.slub.context.machine;
    return super.statistic(s, item).map((count, cpu) => (presence.isOnline(cpu) ? count : 0));
  }
}

export function sheafAttributes(slub: SheafSlub): Attributes {
  const counts = new SheafCounts(slub);
  const files = {
    ...layerFiles(slub, counts),
    sheaf_capacity: wordFile(slub, KmemCache.sheafCapacity),
    cpu_partial: stub,
    cpu_slabs: readOnly(() => 0),
    slabs_cpu_partial: readOnly(() => "0(0)"),
  };
  const named = (name: keyof typeof files) => [name, files[name]] as const;
  return new Map([
    ...BEFORE_STATISTICS.map(named),
    ...statisticFiles(counts, SHEAF_STAT_NAMES),
    ...AFTER_STATISTICS.map(named),
    ...kfenceFiles(slub),
  ]);
}

/** Takes a zero, and nothing else. */
const stub: Attribute = {
  ...readOnly(() => 0),
  store: (_s, text) => (/^\+?0+\n?$/.test(text) ? 0 : -EINVAL),
};

export const BEFORE_STATISTICS = [
  "slab_size",
  "object_size",
  "objs_per_slab",
  "order",
  "sheaf_capacity",
  "min_partial",
  "cpu_partial",
  "objects_partial",
  "partial",
  "cpu_slabs",
  "ctor",
  "aliases",
  "align",
  "hwcache_align",
  "reclaim_account",
  "destroy_by_rcu",
  "shrink",
  "slabs_cpu_partial",
  "total_objects",
  "objects",
  "slabs",
  "sanity_checks",
  "trace",
  "red_zone",
  "poison",
  "store_user",
  "validate",
  "cache_dma",
  "remote_node_defrag_ratio",
] as const;

export const AFTER_STATISTICS = ["failslab", "usersize"] as const;
