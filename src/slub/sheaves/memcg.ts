// SPDX-License-Identifier: GPL-2.0-only
/** Sheaves of a kernel with memory groups: an object of kfree_rcu is uncharged when its grace period is over. */
import type { Address } from "../../machine/memory.ts";
import type { KmemCachePtr } from "../structs.ts";
import type { SheafParts } from "./parts.ts";

export function withChargedRcuSheaves({ RcuSheaves }: SheafParts): Partial<SheafParts> {
  return {
    RcuSheaves: class extends RcuSheaves {
      /** __rcu_free_sheaf_prepare */
      protected override slabFreeHook(s: KmemCachePtr, object: Address): void {
        super.slabFreeHook(s, object);
        const { common, pages } = this.context;
        common.groups?.freed(s, pages.virtToHeadPage(object), object);
      }
    },
  };
}
