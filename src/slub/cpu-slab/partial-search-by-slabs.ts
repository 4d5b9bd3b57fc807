// SPDX-License-Identifier: GPL-2.0-only
/**
 * get_partial since Linux 5.16: a CPU takes slabs until its partial list is half as long as it may be.
 * The first slab is only frozen here; it becomes c->page later, with interrupts off. Of a debug cache
 * single objects are taken, and the slab stays on its list until it is full (6.1: c7323a5ad078).
 */
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, withInuse } from "../counters.ts";
import { ALLOC_FROM_PARTIAL, CPU_PARTIAL_NODE } from "../statistics.ts";
import {
  KmemCache,
  type KmemCacheCpuPtr,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../structs.ts";
import { PartialSearch } from "./partial-search.ts";

export class PartialSearchBySlabs extends PartialSearch {
  /** The free objects of a slab that is frozen for this CPU, a single object of a debug cache, or 0. */
  protected override getPartialNode(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    _c: KmemCacheCpuPtr,
    gfp: number,
  ): Address {
    const { nodePartial } = this.parts;
    // Without the lock: at worst a slab is missed, and a new one made.
    if (n === 0 || nodePartial.nrPartial(n) === 0) return 0;
    const flags = nodePartial.lockIrqsave(n);
    const object = this.context.isDebug(s) ? this.takeSingle(s, n, gfp) : this.takeSlabs(s, n, gfp);
    nodePartial.unlockIrqrestore(n, flags);
    return object;
  }

  protected takeSlabs(s: KmemCachePtr, n: KmemCacheNodePtr, gfp: number): Address {
    const { memory } = this;
    const { nodePartial, cpuPartial } = this.parts;
    let object: Address = 0;
    let reserve = 0;
    for (let page = nodePartial.first(n, gfp); page !== 0; ) {
      const next = nodePartial.next(n, page, gfp);
      const { freelist } =
        object === 0 ? this.acquireObjects(s, n, page) : this.acquireSlab(s, n, page);
      if (freelist === 0) {
        page = this.afterLostRace(next);
        continue;
      }
      if (object === 0) {
        this.context.stat(s, ALLOC_FROM_PARTIAL);
        object = freelist;
      } else {
        cpuPartial.putLocked(s, page);
        this.context.stat(s, CPU_PARTIAL_NODE);
        reserve++;
      }
      if (reserve > memory.readOnce(s + KmemCache.cpuPartialSlabs) >> 1) break;
      page = next;
    }
    return object;
  }

  protected takeSingle(s: KmemCachePtr, n: KmemCacheNodePtr, gfp: number): Address {
    const { nodePartial } = this.parts;
    for (let page = nodePartial.first(n, gfp); page !== 0; ) {
      const next = nodePartial.next(n, page, gfp);
      const object = this.takeSingleFrom(s, n, page);
      if (object !== 0) return object;
      page = next;
    }
    return 0;
  }

  /**
   * alloc_single_from_partial. list_lock guards all of a debug cache, so plain steps will do. A slab
   * that fails its checks has no free objects left and is listed as full (6.1 leaves it on no list,
   * from which a later free of one of its objects takes it).
   */
  private takeSingleFrom(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): Address {
    const { memory } = this;
    const { freePointers, debugging, nodePartial } = this.parts;
    const object = memory.readOnce(page + Page.freelist);
    const counters = memory.readOnce(page + Page.counters);
    memory.writeOnce(page + Page.freelist, freePointers.get(s, object));
    memory.writeOnce(page + Page.counters, withInuse(counters, inuseOf(counters) + 1));
    const isFit = debugging.allocDebugProcessing(s, page, object);
    if (memory.readOnce(page + Page.freelist) === 0) {
      nodePartial.remove(n, page);
      nodePartial.addFull(s, n, page);
    }
    return isFit ? object : 0;
  }
}
