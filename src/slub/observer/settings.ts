// SPDX-License-Identifier: GPL-2.0-only
/**
 * The files of a SLUB cache that can be written (mm/slub.c, `…_store`). What changes the layout of
 * objects is refused while a slab exists; `order` is not, since every slab knows its own.
 *
 * Each writes words of struct kmem_cache without a lock. Because of that, 5.9 made those read-only
 * that change flags or layout.
 */

import { type Attribute, readOnly } from "../../caches/attribute.ts";
import { EBUSY, EINVAL, ERANGE } from "../../caches/errno.ts";
import {
  __CMPXCHG_DOUBLE,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_FAILSLAB,
  SLAB_POISON,
  SLAB_RECLAIM_ACCOUNT,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
  SLAB_TRACE,
} from "../../caches/flags.ts";
import { since } from "../../caches/kernel-version.ts";
import type { KmemCachePtr } from "../../caches/kmem-cache.ts";
import { allocCalls, freeCalls } from "../debug/locations.ts";
import { validateSlabCache } from "../debug/validate.ts";
import { clampMinPartial } from "../geometry.ts";
import { resize } from "../resize.ts";
import type { SlabLayer } from "../slab-layer.ts";
import { KmemCache, ooOrder } from "../structs.ts";
import { flushAll } from "./flush-all.ts";
import type { LayerCounts } from "./layer-counts.ts";

/** kstrtoul: a decimal unsigned long, one newline may follow; or a negative error number. */
function unsignedLong(text: string): number {
  const match = /^\+?(\d+)\n?$/.exec(text);
  if (match === null) return -EINVAL;
  const value = Number(match[1]);
  return value < 2 ** 64 ? value : -ERANGE;
}

/** A file that holds a number; `set` answers 0 or a negative error number. */
function numeric(
  show: (s: KmemCachePtr) => number,
  set: (s: KmemCachePtr, value: number) => number,
): Attribute {
  return {
    ...readOnly(show),
    store: (s, text) => {
      const value = unsignedLong(text);
      return value < 0 ? value : set(s, value);
    },
  };
}

/** A file that reads empty and does something when 1 is written. */
function trigger(act: (s: KmemCachePtr) => number): Attribute {
  return { show: () => "", store: (s, text) => (text.startsWith("1") ? act(s) : -EINVAL) };
}

export function slubSettings(slub: SlabLayer, counts: LayerCounts) {
  const { memory, common } = slub.context;
  const read = (s: KmemCachePtr, field: number) => memory.readOnce(s + field);
  const write = (s: KmemCachePtr, field: number, value: number): number => {
    memory.writeOnce(s + field, value);
    return 0;
  };

  /** A flag that anything but 1 clears. Checks need the slab lock, so the swap is given up. */
  const switchFlag = (
    bit: number,
    refusal: (s: KmemCachePtr) => number,
    after: (s: KmemCachePtr) => void = () => undefined,
  ): Attribute => ({
    ...readOnly((s) => ((read(s, KmemCache.flags) & bit) === 0 ? 0 : 1)),
    store: (s, text) => {
      const refused = refusal(s);
      if (refused !== 0) return refused;
      const cleared = read(s, KmemCache.flags) & ~bit;
      const kept = givesSwapUp(bit) ? cleared & ~__CMPXCHG_DOUBLE : cleared;
      write(s, KmemCache.flags, text.startsWith("1") ? kept | bit : cleared);
      after(s);
      return 0;
    },
  });

  /** A file that nobody may write since 5.9. */
  const untilFixed = (attribute: Attribute): Attribute => {
    const { store: _, ...readable } = attribute;
    return since(common.kernel, "5.9") ? readable : attribute;
  };

  const never = () => 0;
  const ifShared = (s: KmemCachePtr) => (read(s, KmemCache.refcount) > 1 ? -EINVAL : 0);
  const ifUsed = (s: KmemCachePtr) =>
    counts.totalObjects(s).some((total) => total > 0) ? -EBUSY : 0;
  /** The shuffled order of a slab's objects is of the layout that the cache was made with. */
  const ifShuffled = (s: KmemCachePtr) => (read(s, KmemCache.randomSeq) !== 0 ? -EBUSY : 0);
  const layout = (bit: number) =>
    untilFixed(
      switchFlag(
        bit,
        (s) => ifUsed(s) || ifShuffled(s),
        (s) => {
          resize(slub.context, s);
        },
      ),
    );

  return {
    order: untilFixed(
      numeric(
        (s) => ooOrder(read(s, KmemCache.oo)),
        (s, order) => {
          const { slubMinOrder, slubMaxOrder } = common.parameters;
          if (order < slubMinOrder || order > slubMaxOrder) return -EINVAL;
          return ifShuffled(s) || (resize(slub.context, s, order) ? 0 : -EINVAL);
        },
      ),
    ),
    min_partial: numeric(
      (s) => read(s, KmemCache.minPartial),
      // Until some release before 6.1 it was brought into a range.
      (s, wanted) =>
        write(
          s,
          KmemCache.minPartial,
          since(common.kernel, "6.1") ? wanted : clampMinPartial(wanted),
        ),
    ),
    cpu_partial: numeric(
      // An int that is printed as unsigned: one that does not fit keeps no list at all.
      (s) => read(s, KmemCache.cpuPartial) >>> 0,
      (s, limit) => {
        if (since(common.kernel, "4.17") && limit >= 2 ** 32) return -ERANGE;
        if (limit !== 0 && !slub.context.hasCpuPartial(s)) return -EINVAL;
        slub.lifetime.setCpuPartial(s, limit);
        flushAll(slub, s);
        return 0;
      },
    ),
    /** In percent, kept in tenths; more than 100 was silently nothing until 4.17. */
    remote_node_defrag_ratio: numeric(
      (s) => Math.floor(read(s, KmemCache.remoteNodeDefragRatio) / 10),
      (s, percent) => {
        if (percent <= 100) return write(s, KmemCache.remoteNodeDefragRatio, percent * 10);
        return since(common.kernel, "4.17") ? -ERANGE : 0;
      },
    ),
    reclaim_account: untilFixed(switchFlag(SLAB_RECLAIM_ACCOUNT, never)),
    sanity_checks: untilFixed(switchFlag(SLAB_CONSISTENCY_CHECKS, never)),
    // Tracing a cache that others share would trace them too.
    trace: untilFixed(switchFlag(SLAB_TRACE, ifShared)),
    failslab: switchFlag(SLAB_FAILSLAB, ifShared),
    red_zone: layout(SLAB_RED_ZONE),
    poison: layout(SLAB_POISON),
    store_user: layout(SLAB_STORE_USER),
    validate: trigger((s) => Math.min(validateSlabCache(slub, s), 0)),
    alloc_calls: { show: (s) => allocCalls(slub, s) },
    free_calls: { show: (s) => freeCalls(slub, s) },
    shrink: trigger((s) => {
      common.kmemCacheShrink(s);
      return 0;
    }),
  } satisfies Record<string, Attribute>;
}

function givesSwapUp(bit: number): boolean {
  return bit !== SLAB_RECLAIM_ACCOUNT && bit !== SLAB_FAILSLAB;
}
