// SPDX-License-Identifier: GPL-2.0-only
/** The files of /sys/kernel/slab/<cache>/ of SLUB with cpu slabs and sheaves, in the kernel's order. */
import type { Attribute, Attributes } from "../../../caches/attribute.ts";
import type { KmemCachePtr } from "../../../caches/kmem-cache.ts";
import { slubFiles } from "../../observer/attributes.ts";
import { kfenceFiles, statisticFiles, wordFile } from "../../observer/layer-files.ts";
import { SlubObjects } from "../../observer/slab-counts.ts";
import { AFTER_STATISTICS, BEFORE_STATISTICS } from "../../sheaves/observer/attributes.ts";
import { KmemCache } from "../../structs.ts";
import type { OptInSlub } from "../slub.ts";
import { OPT_IN_STAT_FILES, OPT_IN_STAT_NAMES } from "../statistics.ts";

/** The counts of a CPU that is gone are not shown; they are there again when it comes back. */
class OptInCounts extends SlubObjects {
  override statistic(s: KmemCachePtr, item: number): number[] {
    const { presence } = this.slub.context.machine;
    return super.statistic(s, item).map((count, cpu) => (presence.isOnline(cpu) ? count : 0));
  }
}

export function optInAttributes(slub: OptInSlub): Attributes {
  const counts = new OptInCounts(slub);
  const files: Readonly<Record<string, Attribute>> = {
    ...slubFiles(slub, counts),
    ...Object.fromEntries(statisticFiles(counts, OPT_IN_STAT_NAMES)),
    sheaf_capacity: wordFile(slub, KmemCache.sheafCapacity),
  };
  const names = [...BEFORE_STATISTICS, ...OPT_IN_STAT_FILES, ...AFTER_STATISTICS];
  return new Map([
    ...names.map((name) => [name, files[name] as Attribute] as const),
    ...kfenceFiles(slub),
  ]);
}
