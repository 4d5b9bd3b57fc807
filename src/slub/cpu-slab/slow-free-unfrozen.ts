// SPDX-License-Identifier: GPL-2.0-only
/**
 * __slab_free since Linux 6.8, where only cpu slabs are frozen. A slab that was full goes to this
 * CPU's partial list as it is. One that becomes empty may be on no list, though it is neither frozen
 * nor full: another CPU has it on its partial list, or has just taken it off the node's. The mark
 * SL_partial, read with list_lock, tells the two apart.
 */
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, isFrozen, withInuse } from "../counters.ts";
import type { MarkedPartial } from "../marked-partial.ts";
import { CPU_PARTIAL_FREE, FREE_FROZEN } from "../statistics.ts";
import type { KmemCachePtr } from "../structs.ts";
import { SlowFreeDebugApart } from "./slow-free-debug-apart.ts";

export class SlowFreeUnfrozen extends SlowFreeDebugApart {
  declare protected readonly nodePartial: MarkedPartial;

  protected override freePlain(
    s: KmemCachePtr,
    page: PagePtr,
    head: Address,
    tail: Address,
    count: number,
  ): void {
    const { memory, nodePartial } = this;
    for (;;) {
      const prior = memory.readOnce(page + Page.freelist);
      const counters = memory.readOnce(page + Page.counters);
      const fewer = withInuse(counters, inuseOf(counters) - count);
      // A slab that becomes empty may have to leave its node's list.
      const isLast = inuseOf(fewer) === 0 && prior !== 0 && !isFrozen(counters);
      const n = isLast ? this.context.nodeOfPage(s, page) : 0;
      const flags = isLast && nodePartial.lockIrqsave(n);
      const isListed = isLast && nodePartial.isListed(page);
      const isDone = this.push(s, page, head, tail, prior, counters, fewer);
      const isUnwanted = isDone && isListed && nodePartial.hasEnough(s, n);
      if (isUnwanted) this.takeOffList(s, n, page, prior);
      if (isLast) nodePartial.unlockIrqrestore(n, flags);
      if (!isDone) continue;
      if (isUnwanted) this.discard(s, page);
      else if (isFrozen(counters)) this.context.stat(s, FREE_FROZEN);
      else if (prior === 0) {
        // Full and on no list: the CPU that wins this swap lists it.
        this.cpuPartial.put(s, page);
        this.context.stat(s, CPU_PARTIAL_FREE);
      }
      return;
    }
  }
}
