// SPDX-License-Identifier: GPL-2.0-only
/** SLUB's slabs with KASAN: all of a new one is a red zone, in which constructors get their objects. */
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address } from "../../machine/memory.ts";
import type { LayerParts } from "../parts.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

export function withKasanSlabs(classes: LayerParts): Partial<LayerParts> {
  return {
    SlabPages: class extends classes.SlabPages {
      protected override linkObjects(s: KmemCachePtr, start: Address, objects: number): Address {
        const { common, pages } = this.context;
        const bytes = PAGE_SIZE << pages.compoundOrder(pages.virtToHeadPage(start));
        common.kasan?.poisonSlab(start, bytes);
        return super.linkObjects(s, start, objects);
      }

      protected override setupObject(s: KmemCachePtr, object: Address): boolean {
        if (this.memory.read32(s + KmemCache.ctor) === 0) return super.setupObject(s, object);
        const { kasan } = this.context.common;
        kasan?.unpoisonObject(s, object);
        const isSetUp = super.setupObject(s, object);
        kasan?.poisonObject(s, object);
        return isSetUp;
      }
    },
  };
}
