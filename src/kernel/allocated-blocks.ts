// SPDX-License-Identifier: GPL-2.0-only
/** A walk over all allocated blocks of pages. */
import { Page, type PagePtr, PG_ALLOCATED } from "../pages/page.ts";
import { MAX_ORDER } from "../pages/zone.ts";
import type { System } from "./system.ts";

/** Descriptors of the first pages of all allocated blocks. A block's order is taken as it stands. */
export function* allocatedBlocks({ memory, pages }: System): Generator<PagePtr> {
  for (const zone of pages.zones) {
    for (let pfn = zone.start; pfn < zone.end; ) {
      const page = pages.array.numbered(pfn);
      const order = memory.read32(page + Page.order);
      const allocated = (memory.read32(page + Page.flags) & PG_ALLOCATED) !== 0;
      if (allocated) yield page;
      pfn += allocated && order >= 0 && order < MAX_ORDER ? 1 << order : 1;
    }
  }
}
