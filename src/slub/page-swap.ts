// SPDX-License-Identifier: GPL-2.0-only
/**
 * cmpxchg_double_slab: page->freelist and page->counters, replaced as one or not at all.
 *
 * Other CPUs push single objects on page->freelist; only the CPU that froze the slab takes, and
 * takes all. Push and take-all are safe against ABA, so no version is needed. A success is a full
 * barrier: a CPU that takes the object sees its next pointer, which was written before.
 *
 * A cache without __CMPXCHG_DOUBLE (a debug cache, or a machine without the instruction) uses the
 * bit spinlock PG_locked instead. The two never meet on one slab.
 */
import { __CMPXCHG_DOUBLE } from "../caches/flags.ts";
import { bitSpinLock, bitSpinUnlock } from "../machine/bit-spinlock.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { Page, type PagePtr, PG_LOCKED } from "../pages/page.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, type KmemCachePtr } from "./structs.ts";

const PAGE_FREELIST = Page.freelist;
const PAGE_COUNTERS = Page.counters;
const CACHE_FLAGS = KmemCache.flags;
const HAS_DOUBLE_SWAP = __CMPXCHG_DOUBLE;

export class PageSwap {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: { readonly context: SlubContext }) {
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** __cmpxchg_double_slab: interrupts are off. True if it was replaced; a failure is counted. */
  // biome-ignore lint/complexity/useMaxParams: the kernel's arguments; an object would be made for each slow free
  swap(
    s: KmemCachePtr,
    page: PagePtr,
    oldFreelist: Address,
    oldCounters: number,
    newFreelist: Address,
    newCounters: number,
  ): boolean {
    const swapped =
      (this.memory.read32(s + CACHE_FLAGS) & HAS_DOUBLE_SWAP) !== 0
        ? this.exchange(page, oldFreelist, oldCounters, newFreelist, newCounters)
        : this.exchangeLocked(page, oldFreelist, oldCounters, newFreelist, newCounters);
    if (!swapped) this.context.stat(s, this.context.events.cmpxchgDoubleFail);
    return swapped;
  }

  /** cmpxchg_double_slab: the same from anywhere; the lock is not left to an interrupt. */
  // biome-ignore lint/complexity/useMaxParams: as swap
  swapIrqSafe(
    s: KmemCachePtr,
    page: PagePtr,
    oldFreelist: Address,
    oldCounters: number,
    newFreelist: Address,
    newCounters: number,
  ): boolean {
    if ((this.memory.read32(s + CACHE_FLAGS) & HAS_DOUBLE_SWAP) !== 0) {
      const swapped = this.exchange(page, oldFreelist, oldCounters, newFreelist, newCounters);
      if (!swapped) this.context.stat(s, this.context.events.cmpxchgDoubleFail);
      return swapped;
    }
    const flags = this.memory.irqSave();
    const swapped = this.swap(s, page, oldFreelist, oldCounters, newFreelist, newCounters);
    this.memory.irqRestore(flags);
    return swapped;
  }

  protected exchange(
    page: PagePtr,
    oldFreelist: Address,
    oldCounters: number,
    newFreelist: Address,
    newCounters: number,
  ): boolean {
    return this.memory.cmpxchgDouble(
      page + PAGE_FREELIST,
      oldFreelist,
      oldCounters,
      newFreelist,
      newCounters,
    );
  }

  protected exchangeLocked(
    page: PagePtr,
    oldFreelist: Address,
    oldCounters: number,
    newFreelist: Address,
    newCounters: number,
  ): boolean {
    const { memory } = this;
    this.lock(page);
    const same =
      memory.readOnce(page + PAGE_FREELIST) === oldFreelist &&
      memory.readOnce(page + PAGE_COUNTERS) === oldCounters;
    if (same) {
      memory.writeOnce(page + PAGE_FREELIST, newFreelist);
      memory.writeOnce(page + PAGE_COUNTERS, newCounters);
    }
    this.unlock(page);
    return same;
  }

  /** slab_lock */
  lock(page: PagePtr): void {
    bitSpinLock(this.memory, page + Page.flags, PG_LOCKED, "slab_lock");
  }

  /** slab_unlock */
  unlock(page: PagePtr): void {
    bitSpinUnlock(this.memory, page + Page.flags, PG_LOCKED);
  }
}
