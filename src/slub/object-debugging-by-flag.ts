// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a debug cache does with each object since Linux 4.7: it checks objects only if it has
 * SLAB_CONSISTENCY_CHECKS; red zones, poison and tracks alone are written and not looked at.
 * An object that was damaged is reported, repaired and not freed.
 */
import { SLAB_CONSISTENCY_CHECKS } from "../caches/flags.ts";
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import { ObjectDebugging } from "./object-debugging.ts";
import type { KmemCachePtr } from "./structs.ts";

export class ObjectDebuggingByFlag extends ObjectDebugging {
  protected override readonly freesDamaged = false;

  protected override isFitToAllocate(s: KmemCachePtr, page: PagePtr, object: Address): boolean {
    return !this.isChecked(s) || super.isFitToAllocate(s, page, object);
  }

  protected override isFitToFree(s: KmemCachePtr, page: PagePtr, object: Address): boolean {
    return !this.isChecked(s) || super.isFitToFree(s, page, object);
  }

  override checkFreedSlab(s: KmemCachePtr, page: PagePtr): void {
    if (this.isChecked(s)) super.checkFreedSlab(s, page);
  }

  private isChecked(s: KmemCachePtr): boolean {
    return this.layout.has(s, SLAB_CONSISTENCY_CHECKS);
  }
}
