// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB over reserves, until Linux 4.6: an object of a slab that was made of the last pages is marked in
 * the arrays, in the lowest bit of its entry. A request that may not use the reserves passes over marked
 * entries; where it finds no other, it has the cache grow, and takes a marked object only if that left a
 * free slab, so that the reserve is no longer needed. Straight from a node's slabs objects go to
 * everybody (____cache_alloc_node), which happens on machines of several nodes.
 */
import { listEmpty, listNext } from "../../machine/list.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { Reserves } from "../../pages/reserves.ts";
import { reservesOf } from "../../pages/with-reserves.ts";
import { OBJ_PFMEMALLOC } from "../array-cache.ts";
import type { SlabClasses } from "../kernels.ts";
import type { SlabContext } from "../slab-context.ts";
import type { SlabPagesParts } from "../slab-pages.ts";
import { ALLOCHIT, ALLOCMISS } from "../statistics.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  entryAt,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../structs.ts";

/** The marks, for whichever part puts objects into arrays. */
class Marks {
  declare private readonly context: SlabContext;
  declare readonly reserves: Reserves;
  /** Some slab may be of the reserves. A glance: objects are marked too late, or once too often. */
  declare private readonly active: Address;

  constructor(context: SlabContext) {
    this.context = context;
    this.reserves = reservesOf(context.pages) as Reserves;
    this.active = context.machine.statics.words(1, "pfmemalloc_active");
  }

  slabMade(page: PagePtr): void {
    if (this.reserves.isReserve(page)) this.context.memory.writeOnce(this.active, 1);
  }

  /** ac_put_obj: what the entry of an object is. */
  of(page: PagePtr, object: Address): Address {
    const isActive = this.context.memory.readOnce(this.active) !== 0;
    return isActive && this.reserves.isReserve(page) ? object | OBJ_PFMEMALLOC : object;
  }

  /** recheck_pfmemalloc_active: whether any slab of the node is of the reserves. list_lock is held. */
  recheck(n: KmemCacheNodePtr): void {
    const { memory } = this.context;
    for (const list of ["slabsFull", "slabsPartial", "slabsFree"] as const) {
      const head = n + KmemCacheNode[list];
      for (let at = listNext(memory, head); at !== head; at = listNext(memory, at)) {
        if (this.reserves.isReserve(at - Page.lru)) return;
      }
    }
    memory.writeOnce(this.active, 0);
  }
}

export function withMarkedObjects(classes: SlabClasses): Partial<SlabClasses> {
  const marks = new WeakMap<SlabContext, Marks>();
  const marksIn = (context: SlabContext): Marks => marks.get(context) as Marks;
  return {
    SlabPages: class extends classes.SlabPages {
      constructor(parts: SlabPagesParts) {
        super(parts);
        marks.set(this.context, new Marks(this.context));
      }

      override getPages(s: KmemCachePtr, gfp: number, nid: number): PagePtr {
        const page = super.getPages(s, gfp, nid);
        if (page !== 0) marksIn(this.context).slabMade(page);
        return page;
      }
    },
    Refill: class extends classes.Refill {
      /** ____cache_alloc */
      override allocate(s: KmemCachePtr, gfp: number): Address {
        const { memory, context } = this;
        const ac = context.cpuArray(s);
        const isMarked = memory.read32(ac + ArrayCache.avail) > 0;
        if (isMarked) {
          memory.write32(ac + ArrayCache.touched, 1);
          const object = this.take(s, ac, gfp, false);
          if (object !== 0) {
            context.stat(s, ALLOCHIT);
            return object;
          }
        }
        context.stat(s, ALLOCMISS);
        const filled = isMarked ? this.forced(s, gfp, ac) : this.refill(s, gfp, ac);
        if (filled === 0 || memory.read32(filled + ArrayCache.avail) === 0) return 0;
        memory.write32(filled + ArrayCache.touched, 1);
        return this.take(s, filled, gfp, isMarked);
      }

      /** cache_alloc_refill with force_refill: a new slab, whatever the array holds; 0: no memory. */
      private forced(s: KmemCachePtr, gfp: number, before: ArrayCachePtr): ArrayCachePtr {
        const page = this.grow.begin(s, gfp, this.context.localNode());
        if (page === 0) return 0;
        this.grow.end(s, page);
        const ac = this.arrayAfterGrow(s, before);
        const isEmpty = this.memory.read32(ac + ArrayCache.avail) === 0;
        return isEmpty ? this.refill(s, gfp, ac) : ac;
      }

      /** ac_get_obj: the newest entry that the request may have; 0: there is none, and all stay. */
      protected take(s: KmemCachePtr, ac: ArrayCachePtr, gfp: number, isForced: boolean): Address {
        const { memory, context } = this;
        const top = memory.read32(ac + ArrayCache.avail) - 1;
        const newest = memory.read32(entryAt(ac, top));
        const object = newest & ~OBJ_PFMEMALLOC;
        let taken = 0;
        if (object === newest || marksIn(context).reserves.allows(gfp)) taken = object;
        else taken = this.unmarkedBelow(ac, top) || (isForced ? this.unmark(s, object) : 0);
        if (taken !== 0) memory.writeOnce(ac + ArrayCache.avail, top);
        return taken;
      }

      /** An entry without a mark, in whose place the newest one comes; 0: there is none. */
      private unmarkedBelow(ac: ArrayCachePtr, top: number): Address {
        const { memory } = this;
        for (let i = 0; i < top; i++) {
          const entry = memory.read32(entryAt(ac, i));
          if ((entry & OBJ_PFMEMALLOC) !== 0) continue;
          memory.write32(entryAt(ac, i), memory.read32(entryAt(ac, top)));
          memory.write32(entryAt(ac, top), entry);
          return entry;
        }
        return 0;
      }

      /** The slab of a marked object is for everybody from now on, if a whole slab is free. */
      private unmark(s: KmemCachePtr, object: Address): Address {
        const { memory, context, lists } = this;
        const n = context.nodeOf(s, context.localNode());
        lists.lock(n);
        const isSpare = !listEmpty(memory, n + KmemCacheNode.slabsFree);
        if (isSpare) {
          marksIn(context).reserves.unmark(context.pages.virtToHeadPage(object));
          marksIn(context).recheck(n);
        }
        lists.unlock(n);
        return isSpare ? object : 0;
      }

      protected override takeFromSlab(
        s: KmemCachePtr,
        page: PagePtr,
        ac: ArrayCachePtr,
        batch: number,
      ): number {
        const { memory } = this;
        const before = memory.read32(ac + ArrayCache.avail);
        const left = super.takeFromSlab(s, page, ac, batch);
        for (let i = before; i < before + batch - left; i++) {
          const object = memory.read32(entryAt(ac, i));
          memory.write32(entryAt(ac, i), marksIn(this.context).of(page, object));
        }
        return left;
      }
    },
    // What passes objects by the arrays without a look at marks does not so here.
    Bulk: class extends classes.Bulk {
      protected override pop(_s: KmemCachePtr, from: number): number {
        return from;
      }

      protected override push(_s: KmemCachePtr, from: number): number {
        return from;
      }
    },
    Allocator: class extends classes.Allocator {
      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        return this.allocSlow(s, gfp, node, this.memory.irqSave());
      }

      override allocate(s: KmemCachePtr, gfp: number, node: number): Address {
        if (this.context.nodes === 1) return this.refill.allocate(s, gfp);
        return super.allocate(s, gfp, node);
      }

      override free(s: KmemCachePtr, page: PagePtr, object: Address): void {
        super.free(s, page, marksIn(this.context).of(page, object));
      }
    },
  };
}
