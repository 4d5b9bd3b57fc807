// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLUB over reserves: a slab made of pages that only few may have is for those few. Others pass over
 * it on the lists, and give it up where it is their CPU's (pfmemalloc_match). The fast path does not
 * look: as long as such a slab is the cpu slab, any task on that CPU may have its objects (5091b74a95d4
 * took the check out on purpose).
 */
import type { Address } from "../../machine/memory.ts";
import { __GFP_NOMEMALLOC } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { Reserves } from "../../pages/reserves.ts";
import { reservesOf } from "../../pages/with-reserves.ts";
import type { SlubClasses } from "../kernels.ts";
import type { LayerParts } from "../parts.ts";
import type { SheafParts } from "../sheaves/parts.ts";
import type { SheafPtr } from "../sheaves/structs.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";

function reservesIn({ pages }: SlubContext): Reserves {
  return reservesOf(pages) as Reserves;
}

/** Lists on which a request finds only what it may have. */
export function withReservedSlabs(classes: LayerParts): Partial<LayerParts> {
  return {
    NodePartial: class extends classes.NodePartial {
      override first(n: KmemCacheNodePtr, gfp?: number): PagePtr {
        return this.skip(n, super.first(n), gfp);
      }

      override next(n: KmemCacheNodePtr, page: PagePtr, gfp?: number): PagePtr {
        return this.skip(n, super.next(n, page), gfp);
      }

      private skip(n: KmemCacheNodePtr, from: PagePtr, gfp: number | undefined): PagePtr {
        let page = from;
        if (gfp === undefined) return page;
        const reserves = reservesIn(this.context);
        while (page !== 0 && !reserves.matches(page, gfp)) page = super.next(n, page);
        return page;
      }
    },
  };
}

export function withReservedCpuSlabs(classes: SlubClasses): Partial<SlubClasses> {
  return {
    SlowAllocation: class extends classes.SlowAllocation {
      protected override matches(page: PagePtr, node: number, gfp: number): boolean {
        return super.matches(page, node, gfp) && reservesIn(this.context).matches(page, gfp);
      }
    },
  };
}

/** Sheaves hold objects for everybody. */
export function withUnreservedSheaves(classes: SheafParts): Partial<SheafParts> {
  return {
    SheafFastPaths: class extends classes.SheafFastPaths {
      override accepts(object: Address): boolean {
        return !isReserved(this.context, object) && super.accepts(object);
      }

      /** The CPU's sheaf is filled without the reserves, also for a task that may use them. */
      override alloc(s: KmemCachePtr, gfp: number, node: number): Address {
        return super.alloc(s, gfp | __GFP_NOMEMALLOC, node);
      }
    },
    Prefill: class extends classes.Prefill {
      override giveBack(s: KmemCachePtr, gfp: number, sheaf: SheafPtr): void {
        this.refuseStranger("kmem_cache_return_sheaf", s, sheaf);
        const objects = this.parts.sheaves.objects(sheaf);
        if (objects.some((object) => isReserved(this.context, object))) {
          this.parts.flush.sheaf(s, sheaf);
        }
        super.giveBack(s, gfp, sheaf);
      }
    },
    RcuSheaves: class extends classes.RcuSheaves {
      protected override queueFull(sheaf: SheafPtr): void {
        const objects = this.parts.sheaves.objects(sheaf);
        if (objects.some((object) => isReserved(this.context, object))) this.queueNoBarn(sheaf);
        else super.queueFull(sheaf);
      }
    },
  };
}

function isReserved(context: SlubContext, object: Address): boolean {
  return reservesIn(context).isReserve(context.pages.virtToHeadPage(object));
}
