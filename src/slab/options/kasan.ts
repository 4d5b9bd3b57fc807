// SPDX-License-Identifier: GPL-2.0-only
/** SLAB's slabs with KASAN: all of a new one is a red zone, in which constructors get their objects. */
import { KASAN_INFO } from "../../caches/kasan/layout.ts";
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { SlabGeometry } from "../geometry.ts";
import type { SlabClasses } from "../kernels.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

export function withSlabKasan(classes: SlabClasses): Partial<SlabClasses> {
  return {
    CacheLifetime: class extends classes.CacheLifetime {
      protected override readonly config = ["KASAN"] as const;

      protected override setGeometry(s: KmemCachePtr, geometry: SlabGeometry): void {
        super.setGeometry(s, geometry);
        this.memory.write32(s + KASAN_INFO, geometry.kasan);
      }
    },
    SlabPages: class extends classes.SlabPages {
      override getPages(s: KmemCachePtr, gfp: number, nid: number): PagePtr {
        const page = super.getPages(s, gfp, nid);
        if (page === 0) return 0;
        const { common, pages } = this.context;
        const bytes = PAGE_SIZE << this.memory.read32(s + KmemCache.gfporder);
        common.kasan?.poisonSlab(pages.pageAddress(page), bytes);
        return page;
      }
    },
    Grow: class extends classes.Grow {
      protected override everyObject(
        s: KmemCachePtr,
        page: PagePtr,
        setUp: (object: Address) => boolean,
      ): boolean {
        const { kasan } = this.context.common;
        return super.everyObject(s, page, (object) => {
          kasan?.unpoisonObject(s, object);
          const isSetUp = setUp(object);
          kasan?.poisonObject(s, object);
          return isSetUp;
        });
      }
    },
  };
}
