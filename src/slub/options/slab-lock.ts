// SPDX-License-Identifier: GPL-2.0-only
/** SLUB on a machine without a double-word swap: every page swap goes through slab_lock. */
import { __CMPXCHG_DOUBLE } from "../../caches/flags.ts";
import type { SlubGeometry } from "../geometry.ts";
import type { SlubClasses } from "../kernels.ts";
import type { KmemCachePtr } from "../structs.ts";

export function withSlabLock(classes: SlubClasses): Partial<SlubClasses> {
  return {
    CacheLifetime: class extends classes.CacheLifetime {
      protected override setGeometry(s: KmemCachePtr, geometry: SlubGeometry): void {
        super.setGeometry(s, { ...geometry, flags: geometry.flags & ~__CMPXCHG_DOUBLE });
      }
    },
  };
}
