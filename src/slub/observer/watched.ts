// SPDX-License-Identifier: GPL-2.0-only
/** The slab layer tells a checker of objects cut by hand at boot, and of slabs that go back. */
import type { SlabWatch } from "../../caches/slab-watch.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { LayerParts } from "../parts.ts";
import { KmemCacheNode, type KmemCachePtr } from "../structs.ts";
import { objectsOfSlab } from "./slab-objects.ts";

type Watched = Pick<LayerParts, "Bootstrap" | "SlabPages">;

export function withSlubWatch(classes: Watched, watch: SlabWatch): Watched {
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
