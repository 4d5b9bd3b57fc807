// SPDX-License-Identifier: GPL-2.0-only
/** A sheaf is filled from the cpu slab, as any bulk allocation is: all that is wanted, or nothing. */
import type { Address } from "../../machine/memory.ts";
import { Refill, type RefillParts } from "../sheaves/refill.ts";
import type { KmemCachePtr } from "../structs.ts";

export interface RefillFromCpuSlabParts extends RefillParts {
  cpuSlabBulk(s: KmemCachePtr, gfp: number, size: number): Address[];
}

export class RefillFromCpuSlab extends Refill {
  declare protected readonly parts: RefillFromCpuSlabParts;

  override objects(s: KmemCachePtr, gfp: number, wanted: number): Address[] {
    return this.parts.cpuSlabBulk(s, gfp, wanted);
  }
}
