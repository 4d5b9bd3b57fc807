// SPDX-License-Identifier: GPL-2.0-only
/**
 * The cpu partial list as it is since Linux 5.16: its length is counted in slabs, each taken for half
 * free, since remote frees change how many objects are really there. Since 5.15 each change of the
 * list is made with interrupts off, and a list that goes to the nodes is detached first and unfrozen
 * afterwards, with interrupts as they were.
 */
import type { IrqFlags } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { CPU_PARTIAL_DRAIN } from "../statistics.ts";
import { KmemCache, type KmemCacheCpuPtr, type KmemCachePtr } from "../structs.ts";
import { CpuPartial } from "./cpu-partial.ts";

export class CpuPartialBySlabs extends CpuPartial {
  override put(s: KmemCachePtr, page: PagePtr): void {
    const { memory, cpuSlab } = this;
    const flags = memory.irqSave();
    const c = cpuSlab.here(s);
    const head = cpuSlab.partial(c);
    if (head === 0 || !this.isFull(s, head)) {
      this.pushHere(c, page, head, flags);
      return;
    }
    this.pushHere(c, page, 0, flags);
    this.unfreezeAll(s, head);
    this.context.stat(s, CPU_PARTIAL_DRAIN);
  }

  /** A search of the nodes adds its slabs to those that another task has pushed meanwhile. */
  override isWithinLimit(s: KmemCachePtr, list: readonly PagePtr[], inTurn: boolean): boolean {
    const limit = this.memory.readOnce(s + KmemCache.cpuPartialSlabs);
    return !inTurn || list.length <= Math.max(1, limit);
  }

  override putLocked(s: KmemCachePtr, page: PagePtr): void {
    const { memory, cpuSlab } = this;
    const flags = memory.irqSave();
    const c = cpuSlab.here(s);
    this.pushHere(c, page, cpuSlab.partial(c), flags);
  }

  private isFull(s: KmemCachePtr, head: PagePtr): boolean {
    const { memory } = this;
    return memory.readOnce(head + Page.pages) >= memory.readOnce(s + KmemCache.cpuPartialSlabs);
  }

  /** Interrupts are off; puts them back as `flags` has them. */
  private pushHere(c: KmemCacheCpuPtr, page: PagePtr, head: PagePtr, flags: IrqFlags): void {
    const { memory } = this;
    const slabs = head === 0 ? 0 : memory.readOnce(head + Page.pages);
    memory.writeOnce(page + Page.pages, slabs + 1);
    memory.writeOnce(page + Page.next, head);
    this.cpuSlab.setPartial(c, page);
    memory.irqRestore(flags);
  }

  /** `c` is this CPU's, or that of a CPU that is absent. */
  override unfreeze(s: KmemCachePtr, c: KmemCacheCpuPtr): void {
    const { memory, cpuSlab } = this;
    const flags = memory.irqSave();
    const head = cpuSlab.partial(c);
    cpuSlab.setPartial(c, 0);
    memory.irqRestore(flags);
    this.unfreezeAll(s, head);
  }

  /** __unfreeze_partials: the list is detached, so its slabs are reached by nobody else. */
  protected unfreezeAll(s: KmemCachePtr, head: PagePtr): void {
    const { memory, nodePartial } = this;
    let discarded: PagePtr = 0;
    for (let page = head; page !== 0; ) {
      const n = this.context.nodeOfPage(s, page);
      const flags = nodePartial.lockIrqsave(n);
      while (page !== 0 && this.context.nodeOfPage(s, page) === n) {
        const next = memory.readOnce(page + Page.next);
        if (this.unfreezeOne(s, n, page)) {
          memory.writeOnce(page + Page.next, discarded);
          discarded = page;
        }
        page = next;
      }
      nodePartial.unlockIrqrestore(n, flags);
    }
    this.discardAll(s, discarded);
  }
}
