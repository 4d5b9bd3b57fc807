// SPDX-License-Identifier: GPL-2.0-only
/** The first state of all pages: what the machine itself occupies is reserved, the rest is free. */
import { initListHead } from "../machine/list.ts";
import type { Memory } from "../machine/memory.ts";
import { initSpinLock } from "../machine/spinlock.ts";
import type { Buddy } from "./buddy.ts";
import { Page, type PageArray, PG_NODE_SHIFT, PG_RESERVED } from "./page.ts";
import { MAX_ORDER, MIGRATE_TYPES, type Zone, ZoneState } from "./zone.ts";

/** memmap_init and free_all_bootmem. The memory is zero before, so all pageblocks are unmovable. */
export function initPages(
  memory: Memory,
  array: PageArray,
  buddy: Buddy,
  zones: readonly Zone[],
): void {
  const describe = (pfn: number, flags: number): void => {
    const page = array.numbered(pfn);
    memory.write32(page + Page.flags, flags);
    memory.write32(page + Page.head, page);
  };
  for (let pfn = array.first; pfn < (zones[0] as Zone).start; pfn++) describe(pfn, PG_RESERVED);
  for (const zone of zones) {
    initSpinLock(memory, zone.at + ZoneState.lock, "zone->lock");
    for (let pfn = zone.start; pfn < zone.end; pfn++) describe(pfn, zone.node << PG_NODE_SHIFT);
    for (let order = 0; order < MAX_ORDER; order++) {
      for (let type = 0; type < MIGRATE_TYPES; type++) {
        initListHead(memory, buddy.listOf(zone, order, type));
      }
    }
    freeAll(buddy, zone);
  }
}

/** From the end down, each block as large as its alignment allows: the lowest is listed first. */
function freeAll(buddy: Buddy, zone: Zone): void {
  for (let end = zone.end; end > zone.start; ) {
    let order = 0;
    while (order + 1 < MAX_ORDER && end % (2 << order) === 0 && end - (2 << order) >= zone.start) {
      order++;
    }
    end -= 1 << order;
    buddy.freeUnlocked(zone, end, order);
  }
}
