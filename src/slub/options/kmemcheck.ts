// SPDX-License-Identifier: GPL-2.0-only
/** SLUB's slabs with kmemcheck: their pages are tracked for as long as they are slabs. */
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address } from "../../machine/memory.ts";
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

      protected override givePagesBack(s: KmemCachePtr, page: PagePtr): void {
        const { common, pages } = this.context;
        const bytes = PAGE_SIZE << pages.compoundOrder(page);
        common.kmemcheck?.slabGoes(pages.pageAddress(page), bytes);
        super.givePagesBack(s, page);
      }
    },
  };
}
