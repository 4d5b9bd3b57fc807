// SPDX-License-Identifier: GPL-2.0-only
/**
 * get_partial since Linux 6.8: with list_lock slabs are only taken off the list, which nothing can
 * fail. The first is frozen afterwards, without the lock; the others are not frozen at all.
 */
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_THISNODE } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { objectsOf, withFrozen, withInuse } from "../counters.ts";
import type { MarkedPartial } from "../marked-partial.ts";
import { ALLOC_FROM_PARTIAL, CPU_PARTIAL_NODE } from "../statistics.ts";
import {
  KmemCache,
  type KmemCacheCpuPtr,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../structs.ts";
import type { PartialSearchParts } from "./partial-search.ts";
import { PartialSearchBySlabs } from "./partial-search-by-slabs.ts";

export interface PartialSearchUnfrozenParts extends PartialSearchParts {
  readonly nodePartial: MarkedPartial;
}

export class PartialSearchUnfrozen extends PartialSearchBySlabs {
  declare protected readonly parts: PartialSearchUnfrozenParts;

  /** A node that is given is a wish, which other nodes may meet, too, unless the flags say otherwise. */
  override getPartial(s: KmemCachePtr, gfp: number, node: number, c: KmemCacheCpuPtr): Address {
    const found = super.getPartial(s, gfp, node, c);
    const isDone = found !== 0 || node === NUMA_NO_NODE || (gfp & __GFP_THISNODE) !== 0;
    return isDone ? found : this.getAnyPartial(s, gfp, c);
  }

  /** get_partial_node, and freeze_slab of what it found. */
  protected override getPartialNode(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    _c: KmemCacheCpuPtr,
    gfp: number,
  ): Address {
    const { nodePartial } = this.parts;
    // Without the lock: at worst a slab is missed, and a new one made.
    if (n === 0 || nodePartial.nrPartial(n) === 0) return 0;
    const flags = nodePartial.lockFor(n, gfp);
    if (flags === undefined) return 0;
    const isDebug = this.context.isDebug(s);
    const found = isDebug ? this.takeSingle(s, n, gfp) : this.takeOff(s, n, gfp);
    nodePartial.unlockIrqrestore(n, flags);
    return isDebug || found === 0 ? found : this.freeze(s, found);
  }

  /** With list_lock: the first slab of the list, on no list now, and some more on this CPU's; or 0. */
  protected takeOff(s: KmemCachePtr, n: KmemCacheNodePtr, gfp: number): PagePtr {
    const { cpuPartial } = this.parts;
    const first = this.takeFirst(n, gfp);
    if (first !== 0) this.context.stat(s, ALLOC_FROM_PARTIAL);
    const limit = this.memory.readOnce(s + KmemCache.cpuPartialSlabs);
    for (let wanted = limit === 0 ? 0 : (limit >> 1) + 1; wanted > 0; wanted--) {
      const page = this.takeFirst(n, gfp);
      if (page === 0) break;
      cpuPartial.putLocked(s, page);
      this.context.stat(s, CPU_PARTIAL_NODE);
    }
    return first;
  }

  private takeFirst(n: KmemCacheNodePtr, gfp: number): PagePtr {
    const { nodePartial } = this.parts;
    const page = nodePartial.first(n, gfp);
    if (page !== 0) nodePartial.remove(n, page);
    return page;
  }

  /** freeze_slab: frees may come in between, and are taken with the rest. */
  private freeze(s: KmemCachePtr, page: PagePtr): Address {
    const { memory } = this;
    for (;;) {
      const freelist = memory.readOnce(page + Page.freelist);
      const counters = memory.readOnce(page + Page.counters);
      const taken = withFrozen(withInuse(counters, objectsOf(counters)), true);
      if (this.parts.pageSwap.swapIrqSafe(s, page, freelist, counters, 0, taken)) return freelist;
    }
  }
}
