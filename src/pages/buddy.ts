// SPDX-License-Identifier: GPL-2.0-only
/**
 * The buddy allocator: free memory as blocks of 2^order pages, each aligned to its size. A block is
 * split in halves down to what is wanted, and merged with its other half (its buddy) when both are
 * free again. Every method that takes a zone is called with that zone's lock held.
 *
 *     order 2   |       0       |      taking one page of order 0 from it:
 *     order 1   |   -   |   2   |      2 goes on the list of order 1,
 *     order 0   | * | 1 |              1 goes on the list of order 0
 *
 * The memory is also divided into pageblocks of the largest order, each of a migrate type: free
 * blocks lie on the lists of their pageblock's type. A search that finds its own lists empty takes a whole
 * pageblock over from the other type, so that the two mix as little as possible.
 */
import { listAdd, listDel, listEmpty, listMove, listNext } from "../machine/list.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { Page, type PageArray, type PagePtr, PG_BUDDY } from "./page.ts";
import { MAX_ORDER, MIGRATE_TYPES, type Zone, ZoneState } from "./zone.ts";

const PAGEBLOCK_ORDER = MAX_ORDER - 1;

/** How many words `Buddy` needs for the types of the pageblocks of `pages` pages. */
export function pageblockWords(pages: number): number {
  return (pages >> PAGEBLOCK_ORDER) + 1;
}

export class Buddy {
  declare private readonly memory: Memory;
  declare private readonly array: PageArray;
  /** One word a pageblock: its migrate type. */
  declare private readonly pageblocks: Address;

  constructor(memory: Memory, array: PageArray, pageblocks: Address) {
    this.memory = memory;
    this.array = array;
    this.pageblocks = pageblocks;
  }

  /** The head of the list of free blocks of an order and type. */
  listOf(zone: Zone, order: number, type: number): Address {
    return zone.at + ZoneState.freeArea + (order * MIGRATE_TYPES + type) * 8;
  }

  /** get_pageblock_migratetype: a hint, also read without the lock. */
  typeOf(pfn: number): number {
    return this.memory.readOnce(this.pageblocks + (pfn >> PAGEBLOCK_ORDER) * 4);
  }

  /** Whether a free block of exactly this order begins at the page. */
  isFreeBlock(zone: Zone, pfn: number, order: number): boolean {
    const { memory } = this;
    if (pfn < zone.start || pfn + (1 << order) > zone.end) return false;
    const page = this.array.numbered(pfn);
    // data_race: the flags of a page in use are its owner's, and no owner touches PG_BUDDY.
    if ((memory.readRacy(page + Page.flags) & PG_BUDDY) === 0) return false;
    return memory.read32(page + Page.order) === order;
  }

  /** __rmqueue: a block of 2^order pages that leaves `keep` pages free in the zone; 0: none. */
  take(zone: Zone, order: number, type: number, keep: number): PagePtr {
    this.memory.assertLockHeld(zone.at + ZoneState.lock);
    if (this.memory.read32(zone.at + ZoneState.nrFree) - (1 << order) < keep) return 0;
    if (this.memory.read32(zone.at + ZoneState.isolated) !== 0) return 0;
    const page = this.takeSmallest(zone, order, type);
    if (page !== 0) return page;
    // __rmqueue_fallback
    return this.stealPageblock(zone, order, type) ? this.takeSmallest(zone, order, type) : 0;
  }

  /** __rmqueue_smallest: splits the smallest block that will do; the lowest pages are taken. */
  private takeSmallest(zone: Zone, order: number, type: number): PagePtr {
    const { memory } = this;
    for (let found = order; found < MAX_ORDER; found++) {
      const head = this.listOf(zone, found, type);
      if (listEmpty(memory, head)) continue;
      const page = listNext(memory, head) - Page.lru;
      this.remove(zone, page, found);
      const pfn = this.array.number(page);
      for (let half = found - 1; half >= order; half--) {
        this.insert(zone, pfn + (1 << half), half, type);
      }
      memory.write32(page + Page.order, order);
      return page;
    }
    return 0;
  }

  /** Takes over the pageblock with the largest free block of the other type that is large enough. */
  private stealPageblock(zone: Zone, order: number, type: number): boolean {
    const { memory } = this;
    for (let found = MAX_ORDER - 1; found >= order; found--) {
      const head = this.listOf(zone, found, MIGRATE_TYPES - 1 - type);
      if (listEmpty(memory, head)) continue;
      this.claimPageblock(zone, this.array.number(listNext(memory, head) - Page.lru), type);
      return true;
    }
    return false;
  }

  /** move_freepages_block: all that is free of the pageblock around `pfn` changes its type. */
  private claimPageblock(zone: Zone, pfn: number, type: number): void {
    const { memory } = this;
    const first = (pfn >> PAGEBLOCK_ORDER) << PAGEBLOCK_ORDER;
    const end = Math.min(first + (1 << PAGEBLOCK_ORDER), zone.end);
    for (let at = Math.max(first, zone.start); at < end; ) {
      const page = this.array.numbered(at);
      if ((memory.readRacy(page + Page.flags) & PG_BUDDY) === 0) {
        at++;
        continue;
      }
      const order = memory.read32(page + Page.order);
      listMove(memory, page + Page.lru, this.listOf(zone, order, type));
      at += 1 << order;
    }
    memory.writeOnce(this.pageblocks + (pfn >> PAGEBLOCK_ORDER) * 4, type);
  }

  /** __free_one_page: merges the block with its buddy as often as that is free, and lists it. */
  free(zone: Zone, first: number, firstOrder: number): void {
    this.memory.assertLockHeld(zone.at + ZoneState.lock);
    this.freeUnlocked(zone, first, firstOrder);
  }

  /** The same while the machine boots, when no other task knows the zone. */
  freeUnlocked(zone: Zone, first: number, firstOrder: number): void {
    let pfn = first;
    let order = firstOrder;
    while (order < MAX_ORDER - 1) {
      const buddy = pfn ^ (1 << order);
      if (!this.isFreeBlock(zone, buddy, order)) break;
      this.remove(zone, this.array.numbered(buddy), order);
      pfn &= ~(1 << order);
      order++;
    }
    this.insert(zone, pfn, order, this.typeOf(pfn));
  }

  /** Takes a free block of the largest order. */
  takeBlock(zone: Zone, page: PagePtr): void {
    this.memory.assertLockHeld(zone.at + ZoneState.lock);
    this.remove(zone, page, MAX_ORDER - 1);
  }

  private insert(zone: Zone, pfn: number, order: number, type: number): void {
    const { memory } = this;
    const page = this.array.numbered(pfn);
    memory.write32(page + Page.flags, memory.read32(page + Page.flags) | PG_BUDDY);
    memory.write32(page + Page.order, order);
    listAdd(memory, page + Page.lru, this.listOf(zone, order, type));
    this.countFree(zone, 1 << order);
  }

  private remove(zone: Zone, page: PagePtr, order: number): void {
    const { memory } = this;
    listDel(memory, page + Page.lru);
    memory.write32(page + Page.flags, memory.read32(page + Page.flags) & ~PG_BUDDY);
    this.countFree(zone, -(1 << order));
  }

  private countFree(zone: Zone, n: number): void {
    const at = zone.at + ZoneState.nrFree;
    this.memory.write32(at, this.memory.read32(at) + n);
  }
}
