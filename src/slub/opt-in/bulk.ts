// SPDX-License-Identifier: GPL-2.0-only
/** Bulk calls: as far as the sheaves of the cache go, if it has any; the rest by the cpu slab. */
import type { Address } from "../../machine/memory.ts";
import { SheafBulk, type SheafBulkParts } from "../sheaves/bulk.ts";
import type { KmemCachePtr } from "../structs.ts";

export interface OptInBulkParts extends SheafBulkParts {
  /** All that is wanted from the cpu slab, or nothing. */
  cpuSlabBulk(s: KmemCachePtr, gfp: number, size: number): Address[];
  /** kmem_cache_free_bulk of a cache without sheaves; uses p up. */
  freeToCpuSlabs(s: KmemCachePtr, p: Address[]): void;
}

export class OptInBulk extends SheafBulk {
  declare protected readonly parts: OptInBulkParts;

  protected override fromSheaves(s: KmemCachePtr, size: number): Address[] {
    return this.parts.sheaves.capacityOf(s) === 0 ? [] : super.fromSheaves(s, size);
  }

  override fromSlabs(s: KmemCachePtr, gfp: number, size: number): Address[] {
    return this.parts.cpuSlabBulk(s, gfp, size);
  }

  protected override freeDetached(s: KmemCachePtr, p: Address[]): void {
    this.parts.freeToCpuSlabs(s, p);
  }
}
