// SPDX-License-Identifier: GPL-2.0-only
/**
 * New slabs since Linux 6.1 (c7323a5ad078): a slab is counted where it is listed or becomes a cpu
 * slab, so that counts and lists of a debug cache change together under list_lock. Pages are asked for
 * with interrupts as they are; the slow path has them on (5.15).
 */
import { SlabPages } from "./slab-pages.ts";

export class SlabPagesUncounted extends SlabPages {
  protected override countNewSlab(): void {}

  protected override uncountNewSlab(): void {}

  protected override enterPageAllocator(): void {}

  protected override leavePageAllocator(): void {}
}
