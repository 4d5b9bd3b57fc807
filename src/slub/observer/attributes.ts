// SPDX-License-Identifier: GPL-2.0-only
/** The files of /sys/kernel/slab/<cache>/ of SLUB with cpu slabs, in the kernel's order. */

import { type Attributes, readOnly } from "../../caches/attribute.ts";
import { type Release, since } from "../../caches/kernel-version.ts";
import { sumAndShares } from "../../caches/per-node.ts";
import type { Slub } from "../cpu-slab/slub.ts";
import { STAT_NAMES } from "../statistics.ts";
import { KmemCache } from "../structs.ts";
import { kfenceFiles, layerFiles, statisticFiles, wordFile } from "./layer-files.ts";
import { SlubObjects } from "./slab-counts.ts";

export function slubAttributes(slub: Slub): Attributes {
  const objects = new SlubObjects(slub);
  const files = slubFiles(slub, objects);
  const { kernel } = slub.context.common;
  const exists = (name: string): boolean => {
    const { from = "0.0", until } = LIFETIMES[name] ?? {};
    return since(kernel, from) && (until === undefined || !since(kernel, until));
  };
  const named = (name: keyof typeof files) => [name, files[name]] as const;
  return new Map([
    ...BEFORE_STATISTICS.filter(exists).map(named),
    ...statisticFiles(objects, STAT_NAMES),
    ...AFTER_STATISTICS.filter(exists).map(named),
    ...kfenceFiles(slub),
  ]);
}

/** All but those of the statistics, by name. */
export function slubFiles(slub: Slub, objects: SlubObjects) {
  return {
    ...layerFiles(slub, objects),
    reserved: wordFile(slub, KmemCache.reserved),
    cpu_slabs: readOnly((s) => sumAndShares(objects.cpuSlabs(s), "N")),
    slabs_cpu_partial: readOnly((s) => cpuPartialText(objects.cpuPartial(s))),
  };
}

const BEFORE_STATISTICS = [
  "slab_size",
  "object_size",
  "objs_per_slab",
  "order",
  "min_partial",
  "cpu_partial",
  "objects",
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
  "reserved",
  "slabs_cpu_partial",
  "total_objects",
  "slabs",
  "sanity_checks",
  "trace",
  "red_zone",
  "poison",
  "store_user",
  "validate",
  "alloc_calls",
  "free_calls",
  "cache_dma",
  "remote_node_defrag_ratio",
] as const;

const AFTER_STATISTICS = ["failslab", "usersize"] as const;

/** Files that some kernels do not have. Callers are told by debugfs since 5.14. */
const LIFETIMES: Readonly<Record<string, { from?: Release; until?: Release }>> = {
  reserved: { until: "4.18" },
  alloc_calls: { until: "5.14" },
  free_calls: { until: "5.14" },
  usersize: { from: "4.16" },
  sheaf_capacity: { from: "6.18" },
};

/** `objects(slabs)` in all, and of each CPU that has any. */
function cpuPartialText({ cpus, all }: ReturnType<SlubObjects["cpuPartial"]>): string {
  const shares = cpus.flatMap(({ objects, slabs }, cpu) =>
    slabs === 0 ? [] : [`C${cpu}=${objects}(${slabs})`],
  );
  return [`${all.objects}(${all.slabs})`, ...shares].join(" ");
}
