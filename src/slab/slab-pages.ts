// SPDX-License-Identifier: GPL-2.0-only
/**
 * The pages of slabs: had from the page allocator, and given back when a slab is destroyed, after a
 * grace period where readers may still look at its objects. A slab that is destroyed is empty and on
 * no list; no list_lock and no alien lock is held then, since giving back an off-slab index array
 * is a free of its own.
 */
import { SLAB_CACHE_DMA, SLAB_RECLAIM_ACCOUNT, SLAB_TYPESAFE_BY_RCU } from "../caches/flags.ts";
import type { Memory } from "../machine/memory.ts";
import { __GFP_COMP, __GFP_DMA, __GFP_RECLAIMABLE, __GFP_ZERO } from "../pages/gfp.ts";
import { Page, type PagePtr, PG_SLAB } from "../pages/page.ts";
import { NR_SLAB_RECLAIMABLE, NR_SLAB_UNRECLAIMABLE } from "../pages/pages.ts";
import type { IndexArray } from "./index-array.ts";
import type { SlabContext } from "./slab-context.ts";
import { KmemCache, type KmemCachePtr } from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface SlabPagesParts {
  readonly context: SlabContext;
  readonly indexes: IndexArray;
}

export class SlabPages {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly indexes: IndexArray;
  /** Number of the callback that gives a slab's pages back after its grace period (kmem_rcu_free). */
  declare private readonly rcuFreePages: number;

  constructor(parts: SlabPagesParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.indexes = parts.indexes;
    this.rcuFreePages = parts.context.machine.functions.register((head) => {
      const page = head - Page.rcu;
      this.freePages(this.memory.read32(page + Page.slabCache), page);
    });
  }

  /** The flags that a cache adds to each request for pages, in this machine's bits. */
  static allocflags(flags: number): number {
    let gfp = __GFP_COMP;
    if ((flags & SLAB_CACHE_DMA) !== 0) gfp |= __GFP_DMA;
    if ((flags & SLAB_RECLAIM_ACCOUNT) !== 0) gfp |= __GFP_RECLAIMABLE;
    return gfp;
  }

  /** kmem_getpages: the pages of one slab, of `nid` or the nearest node to it; 0: none. */
  getPages(s: KmemCachePtr, gfp: number, nid: number): PagePtr {
    const { memory } = this;
    const order = memory.read32(s + KmemCache.gfporder);
    const wanted = (gfp & ~__GFP_ZERO) | memory.read32(s + KmemCache.allocflags);
    const { common, pages } = this.context;
    if (common.groups?.chargeSlab(s, order) === false) return 0;
    const page = pages.allocPages(wanted, order, nid);
    if (page === 0) common.groups?.unchargeSlab(s, order);
    if (page === 0) return 0;
    this.countPages(s, page, 1 << order);
    memory.write32(page + Page.flags, memory.read32(page + Page.flags) | PG_SLAB);
    memory.write32(page + Page.slabCache, s);
    return page;
  }

  private countPages(s: KmemCachePtr, page: PagePtr, n: number): void {
    const reclaimable = (this.memory.read32(s + KmemCache.flags) & SLAB_RECLAIM_ACCOUNT) !== 0;
    const item = reclaimable ? NR_SLAB_RECLAIMABLE : NR_SLAB_UNRECLAIMABLE;
    this.context.pages.modNodePageState(page, item, n);
  }

  /** kmem_freepages */
  freePages(s: KmemCachePtr, page: PagePtr): void {
    const { memory } = this;
    const { common, pages } = this.context;
    const order = memory.read32(s + KmemCache.gfporder);
    common.groups?.slabGoes(page);
    this.countPages(s, page, -(1 << order));
    memory.write32(page + Page.flags, memory.read32(page + Page.flags) & ~PG_SLAB);
    memory.write32(page + Page.slabCache, 0);
    pages.freePages(page, order);
    common.groups?.unchargeSlab(s, order);
  }

  /** slab_destroy. The index array goes at once: readers look at objects, never at it. */
  destroy(s: KmemCachePtr, page: PagePtr): void {
    this.indexes.release(s, page);
    if ((this.memory.read32(s + KmemCache.flags) & SLAB_TYPESAFE_BY_RCU) !== 0) {
      this.context.machine.rcu.call(page + Page.rcu, this.rcuFreePages);
    } else {
      this.freePages(s, page);
    }
  }

  /** slabs_destroy */
  destroyAll(s: KmemCachePtr, slabsToFree: readonly PagePtr[]): void {
    for (const page of slabsToFree) this.destroy(s, page);
  }
}
