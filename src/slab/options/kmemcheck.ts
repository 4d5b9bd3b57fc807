// SPDX-License-Identifier: GPL-2.0-only
/** SLAB's slabs with kmemcheck: their pages are tracked for as long as they are slabs. */
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { SlabClasses } from "../kernels.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

export function withSlabKmemcheck(classes: SlabClasses): Partial<SlabClasses> {
  return {
    SlabPages: class extends classes.SlabPages {
      override getPages(s: KmemCachePtr, gfp: number, nid: number): PagePtr {
        const page = super.getPages(s, gfp, nid);
        if (page !== 0) {
          const start = this.context.pages.pageAddress(page);
          this.context.common.kmemcheck?.slabMade(s, start, this.bytesOf(s));
        }
        return page;
      }

      override freePages(s: KmemCachePtr, page: PagePtr): void {
        const start = this.context.pages.pageAddress(page);
        this.context.common.kmemcheck?.slabGoes(start, this.bytesOf(s));
        super.freePages(s, page);
      }

      private bytesOf(s: KmemCachePtr): number {
        return PAGE_SIZE << this.memory.read32(s + KmemCache.gfporder);
      }
    },
  };
}
