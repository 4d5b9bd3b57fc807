// SPDX-License-Identifier: GPL-2.0-only
/**
 * The files of /sys/kernel/slab/<cache>/ (mm/slub.c `slab_attrs`, with SLUB_DEBUG, SLUB_STATS, NUMA,
 * ZONE_DMA, FAILSLAB and, since 4.16, HARDENED_USERCOPY built in). This file holds those that tell;
 * those that also change the cache are in slub-settings.ts.
 *
 * Readers take no lock but list_lock, as in the kernel: numbers of a busy cache are of different
 * moments.
 */

import { type Attribute, type Attributes, readOnly } from "../../caches/attribute.ts";
import { EINVAL } from "../../caches/errno.ts";
import { SLAB_CACHE_DMA, SLAB_HWCACHE_ALIGN, SLAB_TYPESAFE_BY_RCU } from "../../caches/flags.ts";
import { type Release, since } from "../../caches/kernel-version.ts";
import type { KmemCachePtr } from "../../caches/kmem-cache.ts";
import { sumAndShares } from "../../caches/per-node.ts";
import type { FunctionTable } from "../../machine/functions.ts";
import type { Slub } from "../cpu-slab/slub.ts";
import { STAT_NAMES } from "../statistics.ts";
import { KmemCache, ooObjects } from "../structs.ts";
import { slubSettings } from "./settings.ts";
import { SlubObjects } from "./slab-counts.ts";

/** All files, in the kernel's order. */
export function slubAttributes(slub: Slub): Attributes {
  const { memory, machine } = slub.context;
  const objects = new SlubObjects(slub);
  const settings = slubSettings(slub);
  const field = (offset: number) => readOnly((s) => memory.read32(s + offset));
  const flag = (bit: number) =>
    readOnly((s) => ((memory.read32(s + KmemCache.flags) & bit) === 0 ? 0 : 1));
  const nodes = (of: (s: KmemCachePtr) => number[]) => readOnly((s) => sumAndShares(of(s), "N"));
  const setting = (name: keyof typeof settings): Attribute => settings[name];
  const statistic = (item: number): Attribute => ({
    ...readOnly((s) => sumAndShares(objects.statistic(s, item), "C")),
    store: (s, text) => {
      if (!text.startsWith("0")) return -EINVAL;
      objects.clearStatistic(s, item);
      return 0;
    },
  });

  const { kernel } = slub.context.common;
  const files: [string, Attribute][] = [
    ["slab_size", field(KmemCache.size)],
    ["object_size", field(KmemCache.objectSize)],
    ["objs_per_slab", readOnly((s) => ooObjects(memory.readOnce(s + KmemCache.oo)))],
    ["order", setting("order")],
    ["min_partial", setting("min_partial")],
    ["cpu_partial", setting("cpu_partial")],
    ["objects", nodes((s) => objects.objects(s))],
    ["objects_partial", nodes((s) => objects.objectsPartial(s))],
    ["partial", nodes((s) => objects.partial(s))],
    ["cpu_slabs", nodes((s) => objects.cpuSlabs(s))],
    ["ctor", { show: (s) => symbolText(machine.functions, memory.read32(s + KmemCache.ctor)) }],
    ["aliases", readOnly((s) => Math.max(memory.readOnce(s + KmemCache.refcount) - 1, 0))],
    ["align", field(KmemCache.align)],
    ["hwcache_align", flag(SLAB_HWCACHE_ALIGN)],
    ["reclaim_account", setting("reclaim_account")],
    ["destroy_by_rcu", flag(SLAB_TYPESAFE_BY_RCU)],
    ["shrink", setting("shrink")],
    ["reserved", field(KmemCache.reserved)],
    ["slabs_cpu_partial", readOnly((s) => cpuPartialText(objects.cpuPartial(s)))],
    ["total_objects", nodes((s) => objects.totalObjects(s))],
    ["slabs", nodes((s) => objects.slabs(s))],
    ["sanity_checks", setting("sanity_checks")],
    ["trace", setting("trace")],
    ["red_zone", setting("red_zone")],
    ["poison", setting("poison")],
    ["store_user", setting("store_user")],
    ["validate", setting("validate")],
    ["alloc_calls", setting("alloc_calls")],
    ["free_calls", setting("free_calls")],
    ["cache_dma", flag(SLAB_CACHE_DMA)],
    ["remote_node_defrag_ratio", setting("remote_node_defrag_ratio")],
    ...STAT_NAMES.map((name, item): [string, Attribute] => [name, statistic(item)]),
    ["failslab", setting("failslab")],
    ["usersize", field(KmemCache.usersize)],
  ];
  const exists = (name: string): boolean => {
    const { from = "0.0", until } = LIFETIMES[name] ?? {};
    return since(kernel, from) && (until === undefined || !since(kernel, until));
  };
  return new Map(files.filter(([name]) => exists(name)));
}

/** Files that some kernels do not have. Callers are told by debugfs since 5.14. */
const LIFETIMES: Readonly<Record<string, { from?: Release; until?: Release }>> = {
  reserved: { until: "4.18" },
  alloc_calls: { until: "5.14" },
  free_calls: { until: "5.14" },
  usersize: { from: "4.16" },
};

/** `objects(slabs)` in all, and of each CPU that has any. */
function cpuPartialText({ cpus, all }: ReturnType<SlubObjects["cpuPartial"]>): string {
  const shares = cpus.flatMap(({ objects, slabs }, cpu) =>
    slabs === 0 ? [] : [`C${cpu}=${objects}(${slabs})`],
  );
  return [`${all.objects}(${all.slabs})`, ...shares].join(" ");
}

/** As the kernel prints the address of a function, but for its length. */
function symbolText(functions: FunctionTable, number: number): string {
  return number === 0 ? "" : `${functions.nameOf(number)}+0x0\n`;
}
