// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLUB of 6.18 and 6.19: cpu slabs as since 6.8, and above them, for caches that ask for them, sheaves.
 * An allocation of such a cache asks its sheaves first, and a free goes to them first.
 */
import type { SheafCalls } from "../../caches/allocator.ts";
import type { SlabCommon } from "../../caches/slab-common.ts";
import type { Address } from "../../machine/memory.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { CpuSlabParts } from "../cpu-slab/parts.ts";
import { Slub } from "../cpu-slab/slub.ts";
import type { MarkedPartial } from "../marked-partial.ts";
import type { LayerParts } from "../parts.ts";
import type { KmemCachePtr } from "../structs.ts";
import type { OptInSheafParts } from "./parts.ts";
import type { OptInSheaves } from "./sheaves.ts";

export class OptInSlub extends Slub {
  declare readonly nodePartial: MarkedPartial;
  declare readonly optIn: OptInSheaves;
  declare readonly sheafCalls: SheafCalls;

  constructor(common: SlabCommon, parts: LayerParts & CpuSlabParts & OptInSheafParts) {
    super(common, parts);
    this.optIn = new parts.OptInSheaves(this, parts);
    this.sheafCalls = this.optIn;
  }

  override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
    const { optIn } = this;
    if (!optIn.sheafFront.has(s)) return super.slabAllocNode(s, gfp, node);
    const object = optIn.fastPaths.alloc(s, gfp, node);
    return object === 0 ? super.slabAllocNode(s, gfp, node) : this.handOut(s, gfp, object);
  }

  /** What slab_post_alloc_hook does where nothing more is asked for; 0 stays 0. */
  handOut(s: KmemCachePtr, gfp: number, object: Address): Address {
    return object === 0 || (gfp & __GFP_ZERO) === 0 ? object : this.zeroed(s, object);
  }

  override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
    const { fastPaths, sheafFront } = this.optIn;
    const isTaken =
      sheafFront.has(s) && fastPaths.accepts(object) && fastPaths.free(s, object, true);
    if (!isTaken) super.slabFree(s, page, object);
  }

  protected override fastFrees(count: number): number {
    return count;
  }

  override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    return this.optIn.bulk.alloc(s, gfp, size, p);
  }

  override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
    this.optIn.bulk.free(s, size, p);
  }
}
