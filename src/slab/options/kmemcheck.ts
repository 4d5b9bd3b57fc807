// SPDX-License-Identifier: GPL-2.0-only
/** SLAB's slabs with kmemcheck: their pages are tracked by the byte of an object, and not as pages. */
import { PAGE_SIZE } from "../../machine/machine.ts";
import { __GFP_NOTRACK } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { SlabClasses } from "../kernels.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

export function withSlabKmemcheck(classes: SlabClasses): Partial<SlabClasses> {
  return {
    SlabPages: class extends classes.SlabPages {
      override getPages(s: KmemCachePtr, gfp: number, nid: number): PagePtr {
        const page = super.getPages(s, gfp | __GFP_NOTRACK, nid);
        if (page !== 0) {
          const start = this.context.pages.pageAddress(page);
          const bytes = PAGE_SIZE << this.memory.read32(s + KmemCache.gfporder);
          this.context.common.kmemcheck?.slabMade(s, start, bytes);
        }
        return page;
      }
    },
  };
}
