// SPDX-License-Identifier: GPL-2.0-only
/** SLUB's slabs with kmemcheck: their pages are tracked by the byte of an object, and not as pages. */
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address } from "../../machine/memory.ts";
import { __GFP_NOTRACK } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { LayerParts } from "../parts.ts";
import type { KmemCachePtr } from "../structs.ts";

export function withKmemcheckSlabs(classes: LayerParts): Partial<LayerParts> {
  return {
    SlabPages: class extends classes.SlabPages {
      protected override linkObjects(s: KmemCachePtr, start: Address, objects: number): Address {
        const { common, pages } = this.context;
        const bytes = PAGE_SIZE << pages.compoundOrder(pages.virtToHeadPage(start));
        common.kmemcheck?.slabMade(s, start, bytes);
        return super.linkObjects(s, start, objects);
      }

      protected override allocSlabPage(
        s: KmemCachePtr,
        gfp: number,
        order: number,
        node: number,
      ): PagePtr {
        return super.allocSlabPage(s, gfp | __GFP_NOTRACK, order, node);
      }
    },
  };
}
