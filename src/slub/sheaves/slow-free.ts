// SPDX-License-Identifier: GPL-2.0-only
/**
 * __slab_free: objects go back to their slab. One swap pushes a chain on page->freelist; only where
 * the slab was full, or becomes empty, is list_lock taken, and before the swap:
 *
 *   was full               on the node's partial list, at its tail
 *   now empty              discarded, if the node has enough; else it stays where it is
 *   on no list, not full   a refill has isolated it and will list it again: nothing
 */
import type { Address, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, objectsOf, withInuse } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { MarkedPartial } from "../marked-partial.ts";
import { ADD_TO_TAIL } from "../node-partial.ts";
import type { ObjectDebugging } from "../object-debugging.ts";
import type { PageSwap } from "../page-swap.ts";
import type { SlabPages } from "../slab-pages.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";
import { FREE_ADD_PARTIAL, FREE_REMOVE_PARTIAL, FREE_SLAB } from "./statistics.ts";

export interface SheafSlowFreeParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly pageSwap: PageSwap;
  readonly nodePartial: MarkedPartial;
  readonly slabPages: SlabPages;
  readonly debugging: ObjectDebugging;
}

export class SheafSlowFree {
  declare protected readonly parts: SheafSlowFreeParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: SheafSlowFreeParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** Frees objects of one slab, which become a chain in the order given. Counts no FREE_SLOWPATH. */
  free(s: KmemCachePtr, page: PagePtr, objects: readonly Address[]): void {
    if (this.context.isDebug(s)) this.freeToPartialList(s, page, objects);
    else this.freePlain(s, page, objects);
  }

  protected freePlain(s: KmemCachePtr, page: PagePtr, objects: readonly Address[]): void {
    const { memory } = this;
    const { nodePartial, slabPages } = this.parts;
    const count = objects.length;
    this.link(s, objects);
    for (;;) {
      const prior = memory.readOnce(page + Page.freelist);
      const counters = memory.readOnce(page + Page.counters);
      const fewer = withInuse(counters, inuseOf(counters) - count);
      if (prior !== 0 && inuseOf(fewer) !== 0) {
        if (this.push(s, page, objects, prior, counters, fewer)) return;
        continue;
      }
      const n = this.context.nodeOfPage(s, page);
      const flags = nodePartial.lockIrqsave(n);
      const isListed = nodePartial.isListed(page);
      const isDone = this.push(s, page, objects, prior, counters, fewer);
      const isUnwanted = isDone && this.relist(s, n, page, prior === 0, isListed, inuseOf(fewer));
      nodePartial.unlockIrqrestore(n, flags);
      if (isUnwanted) {
        this.context.stat(s, FREE_SLAB);
        slabPages.discard(s, page);
      }
      if (isDone) return;
    }
  }

  /** With list_lock: puts the slab where it now belongs. True: nowhere, it is to be given back. */
  // biome-ignore lint/complexity/useMaxParams: as PageSwap.swap
  protected relist(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    page: PagePtr,
    wasFull: boolean,
    isListed: boolean,
    inuse: number,
  ): boolean {
    const { nodePartial } = this.parts;
    const isIsolated = !wasFull && !isListed;
    const isUnwanted = !isIsolated && inuse === 0 && nodePartial.hasEnough(s, n);
    if (isUnwanted && !wasFull) {
      nodePartial.remove(n, page);
      this.context.stat(s, FREE_REMOVE_PARTIAL);
    }
    if (!isUnwanted && wasFull) {
      nodePartial.add(n, page, ADD_TO_TAIL);
      this.context.stat(s, FREE_ADD_PARTIAL);
    }
    return isUnwanted;
  }

  /** The caller owns the objects until they are pushed. */
  protected link(s: KmemCachePtr, objects: readonly Address[]): void {
    for (let i = 1; i < objects.length; i++) {
      this.parts.freePointers.set(s, objects[i - 1] as Address, objects[i] as Address);
    }
  }

  // biome-ignore lint/complexity/useMaxParams: as PageSwap.swap
  protected push(
    s: KmemCachePtr,
    page: PagePtr,
    objects: readonly Address[],
    prior: Address,
    counters: number,
    newCounters: number,
  ): boolean {
    this.parts.freePointers.set(s, objects.at(-1) as Address, prior);
    // Full barrier: a CPU that takes the chain sees its links.
    return this.parts.pageSwap.swapIrqSafe(
      s,
      page,
      prior,
      counters,
      objects[0] as Address,
      newCounters,
    );
  }

  /**
   * free_to_partial_list: a debug cache, all under list_lock. Objects that fail their check are never
   * freed.
   */
  private freeToPartialList(s: KmemCachePtr, page: PagePtr, objects: readonly Address[]): void {
    const { memory } = this;
    const { nodePartial, debugging, slabPages } = this.parts;
    const n = this.context.nodeOfPage(s, page);
    const flags = nodePartial.lockIrqsave(n);
    const fit = objects.filter((object) => debugging.freeDebugProcessing(s, page, object));
    if (fit.length === 0) {
      nodePartial.unlockIrqrestore(n, flags);
      return;
    }
    const prior = memory.readOnce(page + Page.freelist);
    const counters = memory.readOnce(page + Page.counters);
    const fewer = withInuse(counters, inuseOf(counters) - fit.length);
    this.link(s, fit);
    this.parts.freePointers.set(s, fit.at(-1) as Address, prior);
    this.parts.pageSwap.lock(page);
    memory.writeOnce(page + Page.freelist, fit[0] as Address);
    memory.writeOnce(page + Page.counters, fewer);
    this.parts.pageSwap.unlock(page);
    if (prior === 0) nodePartial.removeFull(s, n, page);
    const isUnwanted = this.relist(s, n, page, prior === 0, true, inuseOf(fewer));
    // Counted under the lock, so that a validation sees counts and lists agree.
    if (isUnwanted) slabPages.decSlabsNode(s, page, objectsOf(fewer));
    nodePartial.unlockIrqrestore(n, flags);
    if (!isUnwanted) return;
    this.context.stat(s, FREE_SLAB);
    slabPages.freeSlab(s, page);
  }
}
