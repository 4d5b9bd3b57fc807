// SPDX-License-Identifier: GPL-2.0-only
/**
 * The files of /sys/kernel/slab/<cache>/ that do not depend on the front, by name (mm/slub.c
 * `slab_attrs`, with SLUB_DEBUG, SLUB_STATS, NUMA, ZONE_DMA, FAILSLAB and, since 4.16, HARDENED_USERCOPY
 * built in). Those that can be written are in settings.ts.
 *
 * Readers take no lock but list_lock, as in the kernel: numbers of a busy cache are of different
 * moments.
 */
import { type Attribute, readOnly } from "../../caches/attribute.ts";
import { EINVAL } from "../../caches/errno.ts";
import {
  SLAB_CACHE_DMA,
  SLAB_HWCACHE_ALIGN,
  SLAB_SKIP_KFENCE,
  SLAB_TYPESAFE_BY_RCU,
} from "../../caches/flags.ts";
import type { KmemCachePtr } from "../../caches/kmem-cache.ts";
import { sumAndShares } from "../../caches/per-node.ts";
import type { FunctionTable } from "../../machine/functions.ts";
import type { SlabLayer } from "../slab-layer.ts";
import { KmemCache, ooObjects } from "../structs.ts";
import type { LayerCounts } from "./layer-counts.ts";
import { slubSettings } from "./settings.ts";

export function layerFiles(slub: SlabLayer, counts: LayerCounts) {
  const { memory, machine } = slub.context;
  const flag = (bit: number) =>
    readOnly((s) => ((memory.read32(s + KmemCache.flags) & bit) === 0 ? 0 : 1));
  const nodes = (of: (s: KmemCachePtr) => number[]) => readOnly((s) => sumAndShares(of(s), "N"));
  return {
    ...slubSettings(slub, counts),
    slab_size: wordFile(slub, KmemCache.size),
    object_size: wordFile(slub, KmemCache.objectSize),
    objs_per_slab: readOnly((s) => ooObjects(memory.readOnce(s + KmemCache.oo))),
    objects: nodes((s) => counts.objects(s)),
    objects_partial: nodes((s) => counts.objectsPartial(s)),
    partial: nodes((s) => counts.partial(s)),
    total_objects: nodes((s) => counts.totalObjects(s)),
    slabs: nodes((s) => counts.slabs(s)),
    ctor: {
      show: (s: KmemCachePtr) => symbolText(machine.functions, memory.read32(s + KmemCache.ctor)),
    },
    aliases: readOnly((s) => Math.max(memory.readOnce(s + KmemCache.refcount) - 1, 0)),
    align: wordFile(slub, KmemCache.align),
    hwcache_align: flag(SLAB_HWCACHE_ALIGN),
    destroy_by_rcu: flag(SLAB_TYPESAFE_BY_RCU),
    cache_dma: flag(SLAB_CACHE_DMA),
    usersize: wordFile(slub, KmemCache.usersize),
  } satisfies Record<string, Attribute>;
}

/** skip_kfence: the last file of a kernel with KFENCE. */
export function kfenceFiles({ context }: SlabLayer): [string, Attribute][] {
  const { memory, common } = context;
  if (common.kfence === undefined) return [];
  const flags = (s: KmemCachePtr) => memory.readOnce(s + KmemCache.flags);
  const skipKfence: Attribute = {
    ...readOnly((s) => ((flags(s) & SLAB_SKIP_KFENCE) === 0 ? 0 : 1)),
    store: (s, text) => {
      if (!/^[01]/.test(text)) return -EINVAL;
      const cleared = flags(s) & ~SLAB_SKIP_KFENCE;
      memory.writeOnce(s + KmemCache.flags, text[0] === "1" ? cleared | SLAB_SKIP_KFENCE : cleared);
      return 0;
    },
  };
  return [["skip_kfence", skipKfence]];
}

/** Shows a word of struct kmem_cache. */
export function wordFile({ context }: SlabLayer, offset: number): Attribute {
  return readOnly((s) => context.memory.read32(s + offset));
}

/** The files of the front's counters; writing 0 clears one. */
export function statisticFiles(
  counts: LayerCounts,
  names: readonly string[],
): [string, Attribute][] {
  return names.map((name, item) => [
    name,
    {
      ...readOnly((s) => sumAndShares(counts.statistic(s, item), "C")),
      store: (s, text) => {
        if (!text.startsWith("0")) return -EINVAL;
        counts.clearStatistic(s, item);
        return 0;
      },
    },
  ]);
}

/** As the kernel prints the address of a function, but for its length. */
function symbolText(functions: FunctionTable, number: number): string {
  return number === 0 ? "" : `${functions.nameOf(number)}+0x0\n`;
}
