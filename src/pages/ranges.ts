// SPDX-License-Identifier: GPL-2.0-only
/**
 * Ranges of pages beyond the largest block (alloc_contig_pages): free blocks of the largest order that
 * lie side by side are taken together, and what is left of the last goes back. A range is a sequence
 * of blocks, so that every walk finds blocks as ever; the first one is the head of them all.
 *
 *     | order 10, head | order 10 | order 8 | free … |      5 MiB and more, up to 9 MiB and 1 page
 */
import type { Memory } from "../machine/memory.ts";
import { spinLockIrqsave, spinUnlockIrqrestore } from "../machine/spinlock.ts";
import type { Buddy } from "./buddy.ts";
import { Page, type PageArray, type PagePtr, PG_ALLOCATED, PG_HEAD, PG_RANGE } from "./page.ts";
import { MAX_ORDER, type Zone, ZoneState } from "./zone.ts";

const LARGEST = MAX_ORDER - 1;
const STEP = 1 << LARGEST;

export class PageRanges {
  declare private readonly memory: Memory;
  declare private readonly array: PageArray;
  declare private readonly buddy: Buddy;

  constructor(memory: Memory, array: PageArray, buddy: Buddy) {
    this.memory = memory;
    this.array = array;
    this.buddy = buddy;
  }

  /** `count` pages of the zone that leave `keep` pages free there; 0: there are not so many in a row. */
  take(zone: Zone, count: number, keep: number): PagePtr {
    const { memory } = this;
    const flags = spinLockIrqsave(memory, zone.at + ZoneState.lock);
    const first = this.isEnough(zone, count, keep) ? this.find(zone, count) : -1;
    if (first >= 0) this.claim(zone, first, count);
    spinUnlockIrqrestore(memory, zone.at + ZoneState.lock, flags);
    if (first < 0) return 0;
    const head = this.array.numbered(first);
    for (let pfn = first; pfn < first + count; pfn++) {
      memory.write32(this.array.numbered(pfn) + Page.head, head);
    }
    return head;
  }

  private isEnough(zone: Zone, count: number, keep: number): boolean {
    const { memory } = this;
    if (memory.read32(zone.at + ZoneState.isolated) !== 0) return false;
    return memory.read32(zone.at + ZoneState.nrFree) - count >= keep;
  }

  /** The first page of enough free blocks in a row, or -1. */
  private find(zone: Zone, count: number): number {
    let first = Math.ceil(zone.start / STEP) * STEP;
    for (let pfn = first; pfn + STEP <= zone.end; ) {
      const isFree = this.buddy.isFreeBlock(zone, pfn, LARGEST);
      pfn += STEP;
      if (!isFree) first = pfn;
      else if (pfn - first >= count) return first;
    }
    return -1;
  }

  private claim(zone: Zone, first: number, count: number): void {
    const { memory, array, buddy } = this;
    const end = first + count;
    for (let pfn = first; pfn < end; pfn += STEP) buddy.takeBlock(zone, array.numbered(pfn));
    for (let pfn = first; pfn < end; ) {
      const order = Math.min(LARGEST, 31 - Math.clz32(end - pfn));
      const page = array.numbered(pfn);
      const flags = PG_ALLOCATED | PG_RANGE | (pfn === first ? PG_HEAD : 0);
      memory.write32(page + Page.flags, memory.read32(page + Page.flags) | flags);
      memory.write32(page + Page.order, order);
      pfn += 1 << order;
    }
    memory.write32(array.numbered(first) + Page.pages, count);
    this.giveBack(zone, end, Math.ceil(end / STEP) * STEP);
  }

  /** Frees pages as blocks, each as large as its place allows. */
  private giveBack(zone: Zone, from: number, end: number): void {
    for (let pfn = from; pfn < end; ) {
      const order = 31 - Math.clz32(pfn & -pfn);
      this.buddy.free(zone, pfn, order);
      pfn += 1 << order;
    }
  }

  /** Pages of the range that begins at `head`. */
  length(head: PagePtr): number {
    return this.memory.read32(head + Page.pages);
  }

  /** Gives the range back that begins at `head`, which the caller has claimed. */
  free(zone: Zone, head: PagePtr): void {
    const { memory, array, buddy } = this;
    const first = array.number(head);
    const end = first + this.length(head);
    for (let pfn = first; pfn < end; pfn++) {
      const page = array.numbered(pfn);
      memory.write32(page + Page.head, page);
      memory.write32(
        page + Page.flags,
        memory.read32(page + Page.flags) & ~(PG_ALLOCATED | PG_RANGE),
      );
    }
    const flags = spinLockIrqsave(memory, zone.at + ZoneState.lock);
    for (let pfn = first; pfn < end; ) {
      const order = memory.read32(array.numbered(pfn) + Page.order);
      buddy.free(zone, pfn, order);
      pfn += 1 << order;
    }
    spinUnlockIrqrestore(memory, zone.at + ZoneState.lock, flags);
  }
}
