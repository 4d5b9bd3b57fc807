// SPDX-License-Identifier: GPL-2.0-only
/**
 * The page allocator with watermarks and direct reclaim (__alloc_pages_nodemask, 4.1). Linux repeats
 * a small request for ever and kills a task when that does not help; nobody is killed here, so the
 * request fails, unless it has __GFP_NOFAIL: then it may have all pages, and waits for some to come.
 */

import type { Machine } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import { __GFP_NOFAIL, __GFP_NORETRY, __GFP_WAIT } from "./gfp.ts";
import { Page, type PagePtr, PG_PFMEMALLOC } from "./page.ts";
import type { Pages } from "./pages.ts";
import { Reserves, type Watermark } from "./reserves.ts";
import { MAX_ORDER, type Zone } from "./zone.ts";

/** Larger requests are not repeated. */
const PAGE_ALLOC_COSTLY_ORDER = 3;

export function withReserves(Base: typeof Pages): typeof Pages {
  return class extends Base {
    readonly reserves: Reserves;
    /** Counts blocks that came back, for requests that wait for one. */
    private readonly freed: Address;

    constructor(machine: Machine) {
      super(machine);
      this.reserves = new Reserves(machine, this.zones);
      this.freed = machine.statics.words(1, "pages freed");
    }

    override init(): void {
      super.init();
      this.reserves.init();
    }

    override allocPages(gfp: number, order: number, node: number): PagePtr {
      if (order >= MAX_ORDER) return 0;
      const zones = this.zonesFor(gfp, node);
      const page = this.takeAbove(zones, gfp, order, "low") || this.slowPath(zones, gfp, order);
      if (page !== 0) this.prepare(page, gfp, order);
      return page;
    }

    /** get_page_from_freelist. */
    private takeAbove(
      zones: readonly Zone[],
      gfp: number,
      order: number,
      mark: Watermark | undefined,
    ): PagePtr {
      for (const zone of zones) {
        if (mark !== undefined && !this.reserves.keepsEnough(zone, order, gfp, mark)) continue;
        const page = this.takeFromZone(zone, gfp, order, 0);
        if (page !== 0) return page;
      }
      return 0;
    }

    /** __alloc_pages_slowpath */
    private slowPath(zones: readonly Zone[], gfp: number, order: number): PagePtr {
      const page = this.takeAbove(zones, gfp, order, "min");
      if (page !== 0) return page;
      if (this.reserves.allows(gfp)) {
        const reserved = this.takeAbove(zones, gfp, order, undefined);
        if (reserved !== 0) return this.marked(reserved);
      }
      if ((gfp & __GFP_WAIT) === 0 || !this.reserves.mayReclaim) return 0;
      return this.reclaimAndTake(zones, gfp, order);
    }

    /** The slab that is made of it is for those that may use the reserves, too. */
    private marked(page: PagePtr): PagePtr {
      const { memory } = this;
      memory.write32(page + Page.flags, memory.read32(page + Page.flags) | PG_PFMEMALLOC);
      return page;
    }

    private reclaimAndTake(zones: readonly Zone[], gfp: number, order: number): PagePtr {
      const isNofail = (gfp & __GFP_NOFAIL) !== 0;
      const isRepeated = (gfp & __GFP_NORETRY) === 0 && order <= PAGE_ALLOC_COSTLY_ORDER;
      for (;;) {
        const seen = this.memory.loadAcquire(this.freed);
        const progress = this.reserves.reclaim(order);
        this.drainAllPages();
        const page = this.takeAbove(zones, gfp, order, isNofail ? undefined : "min");
        if (page !== 0) return page;
        if (isNofail) {
          if (progress === 0) this.memory.waitWhile(this.freed, seen);
        } else if (!isRepeated || progress === 0) {
          return 0;
        }
      }
    }

    override freePages(page: PagePtr, order: number): void {
      super.freePages(page, order);
      this.memory.add(this.freed, 1);
      this.memory.notify(this.freed);
    }

    override modNodePageState(page: PagePtr, item: number, n: number): void {
      super.modNodePageState(page, item, n);
      if (n < 0) this.reserves.credit(-n);
    }
  };
}

/** The reserves of a machine that has been booted with them. */
export function reservesOf(pages: object): Reserves | undefined {
  return "reserves" in pages && pages.reserves instanceof Reserves ? pages.reserves : undefined;
}
