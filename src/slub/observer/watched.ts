// SPDX-License-Identifier: GPL-2.0-only
/** SLUB that tells a checker of objects cut by hand at boot, and of slabs that go back. */
import type { SlabWatch } from "../../caches/slab-watch.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { SlubClasses } from "../kernels.ts";
import { KmemCacheNode, type KmemCachePtr } from "../structs.ts";
import { objectsOfSlab } from "./slab-objects.ts";

export function withSlubWatch(classes: SlubClasses, watch: SlabWatch): Partial<SlubClasses> {
  return {
    Bootstrap: class extends classes.Bootstrap {
      override earlyKmemCacheNodeAlloc(nid: number): void {
        super.earlyKmemCacheNodeAlloc(nid);
        watch.handedOut(this.context.common, this.context.nodeOf(this.kmemCacheNode, nid));
      }
    },
    SlabPages: class extends classes.SlabPages {
      protected override freeSlabNow(s: KmemCachePtr, page: PagePtr): void {
        const { context } = this;
        const n = context.nodeOfPage(s, page);
        const locks = n === 0 ? [] : [{ name: "list_lock", at: n + KmemCacheNode.listLock }];
        watch.dismantled(context.common, page, locks);
        watch.givenBack(context.common, s, page, objectsOfSlab(context, s, page));
        super.freeSlabNow(s, page);
      }
    },
  };
}
