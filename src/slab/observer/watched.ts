// SPDX-License-Identifier: GPL-2.0-only
/** SLAB that tells a checker of slabs that are taken apart, and of their pages when they go back. */
import type { SlabWatch } from "../../caches/slab-watch.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { SlabClasses } from "../kernels.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { locksOf } from "./locks.ts";

export function withSlabWatch(classes: SlabClasses, watch: SlabWatch): Partial<SlabClasses> {
  return {
    SlabPages: class extends classes.SlabPages {
      /** Giving an index array back is a free of its own, which may take any lock of the cache. */
      override destroy(s: KmemCachePtr, page: PagePtr): void {
        watch.dismantled(this.context.common, page, locksOf(this.context, s));
        super.destroy(s, page);
      }

      override freePages(s: KmemCachePtr, page: PagePtr): void {
        const { memory, common } = this.context;
        const offset = memory.read32(s + KmemCache.objOffset);
        const objects = Array.from(
          { length: memory.read32(s + KmemCache.num) },
          (_, index) => this.indexes.objectAt(s, page, index) + offset,
        );
        watch.givenBack(common, s, page, objects);
        super.freePages(s, page);
      }
    },
  };
}
