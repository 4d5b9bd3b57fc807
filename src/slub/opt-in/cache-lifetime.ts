// SPDX-License-Identifier: GPL-2.0-only
/** A cache of 6.18 and 6.19, with sheaves if it has asked for them. */
import type { CacheLifetimeParts } from "../cache-lifetime.ts";
import { CacheLifetimeBySlabs } from "../cache-lifetime-by-slabs.ts";
import type { SlubGeometry } from "../geometry.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import type { OptInFront } from "./front.ts";

export interface OptInLifetimeParts extends CacheLifetimeParts {
  readonly front: OptInFront;
}

export class OptInLifetime extends CacheLifetimeBySlabs {
  declare protected readonly parts: OptInLifetimeParts;

  protected override setGeometry(s: KmemCachePtr, geometry: SlubGeometry): void {
    super.setGeometry(s, geometry);
    this.memory.write32(s + KmemCache.sheafCapacity, geometry.sheafCapacity);
  }

  /** A barn may hold objects of a node whose turn has been. */
  protected override giveBackOfNode(s: KmemCachePtr, nid: number): void {
    this.parts.front.shrinkBarn(s, nid);
  }

  /**
   * What barns give back lands on cpu partial lists, so these are flushed once more. (6.19 does not:
   * such a cache seems to have objects, and is not destroyed.)
   */
  override close(s: KmemCachePtr): boolean {
    if (this.memory.read32(s + KmemCache.sheafCapacity) !== 0) {
      this.parts.front.flushAll(s);
      // Sheaves of kfree_rcu hold objects until their grace period is over.
      this.context.machine.rcu.barrier();
      const { nodes } = this.context.machine.options;
      for (let nid = 0; nid < nodes; nid++) this.giveBackOfNode(s, nid);
    }
    return super.close(s);
  }
}
