// SPDX-License-Identifier: GPL-2.0-only
/**
 * The lists of a node since Linux 6.8. A slab on `partial` carries a mark, SL_partial, so that a free
 * can tell a listed slab from one that an allocation has just taken off. The mark is only read and
 * written with list_lock.
 */
import type { IrqFlags } from "../machine/memory.ts";
import { spinTrylock } from "../machine/spinlock.ts";
import { Page, type PagePtr, SL_PARTIAL } from "../pages/page.ts";
import { allowsSpinning } from "./gfp.ts";
import { type ListEnd, NodePartial } from "./node-partial.ts";
import { KmemCacheNode, type KmemCacheNodePtr } from "./structs.ts";

export class MarkedPartial extends NodePartial {
  override addUnlocked(n: KmemCacheNodePtr, page: PagePtr, end: ListEnd): void {
    super.addUnlocked(n, page, end);
    this.memory.add(page + Page.flags, SL_PARTIAL);
  }

  override remove(n: KmemCacheNodePtr, page: PagePtr): void {
    // Atomic: others take slab_lock in the same word.
    this.memory.add(page + Page.flags, -SL_PARTIAL);
    super.remove(n, page);
  }

  /** slab_test_node_partial. Needs list_lock. */
  isListed(page: PagePtr): boolean {
    return (this.memory.readOnce(page + Page.flags) & SL_PARTIAL) !== 0;
  }

  /** list_lock, for a caller that may wait for it or not; undefined: it may not, and does not have it. */
  lockFor(n: KmemCacheNodePtr, gfp: number): IrqFlags | undefined {
    return allowsSpinning(gfp) ? this.lockIrqsave(n) : this.tryLockIrqsave(n);
  }

  /** Takes list_lock if it is free; undefined: it is not. */
  tryLockIrqsave(n: KmemCacheNodePtr): IrqFlags | undefined {
    const flags = this.memory.irqSave();
    if (spinTrylock(this.memory, n + KmemCacheNode.listLock)) return flags;
    this.memory.irqRestore(flags);
    return undefined;
  }
}
