// SPDX-License-Identifier: GPL-2.0-only
/** SLUB on a machine without a double-word swap: every page swap goes through slab_lock. */
import { __CMPXCHG_DOUBLE } from "../../caches/flags.ts";
import type { SlubGeometry } from "../geometry.ts";
import type { LayerParts } from "../parts.ts";
import type { KmemCachePtr } from "../structs.ts";

export function withSlabLock(
  classes: Pick<LayerParts, "CacheLifetime">,
): Pick<LayerParts, "CacheLifetime"> {
  return {
    CacheLifetime: class extends classes.CacheLifetime {
      protected override setGeometry(s: KmemCachePtr, geometry: SlubGeometry): void {
        super.setGeometry(s, { ...geometry, flags: geometry.flags & ~__CMPXCHG_DOUBLE });
      }
    },
  };
}
