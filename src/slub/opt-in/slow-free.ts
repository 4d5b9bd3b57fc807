// SPDX-License-Identifier: GPL-2.0-only
/** Objects that leave sheaves go the way of all others, so some of them land on the cpu slab. */
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import { SheafSlowFree, type SheafSlowFreeParts } from "../sheaves/slow-free.ts";
import type { KmemCachePtr } from "../structs.ts";

export interface FreeToCpuSlabParts extends SheafSlowFreeParts {
  slabFreeChain(s: KmemCachePtr, page: PagePtr, head: Address, tail: Address, count: number): void;
}

export class FreeToCpuSlab extends SheafSlowFree {
  declare protected readonly parts: FreeToCpuSlabParts;

  /** do_slab_free */
  override free(s: KmemCachePtr, page: PagePtr, objects: readonly Address[]): void {
    this.link(s, objects);
    const head = objects[0] as Address;
    this.parts.slabFreeChain(s, page, head, objects.at(-1) as Address, objects.length);
  }
}
