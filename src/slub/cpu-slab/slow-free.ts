// SPDX-License-Identifier: GPL-2.0-only
/**
 * __slab_free: the object's slab is not this CPU's. One swap pushes the object on page->freelist. The
 * state of the slab before the swap says what else is to be done:
 *
 *   frozen                          nothing: the owner will find the object
 *   was full, cpu partial lists     the swap also froze the slab: on this CPU's partial list
 *   was full, a debug cache         on the node's partial list (listChecked)
 *   now empty                       off the list and discarded, if the node has enough
 *
 * If the slab is to change lists, list_lock is taken before the swap, by what was just read; if the
 * swap fails all is decided anew.
 */
import type { Address, IrqFlags, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, isFrozen, withFrozen, withInuse } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import { ADD_TO_TAIL, type NodePartial } from "../node-partial.ts";
import type { ObjectDebugging } from "../object-debugging.ts";
import type { PageSwap } from "../page-swap.ts";
import type { SlabPages } from "../slab-pages.ts";
import type { SlubContext } from "../slub-context.ts";
import {
  CPU_PARTIAL_FREE,
  FREE_ADD_PARTIAL,
  FREE_FROZEN,
  FREE_REMOVE_PARTIAL,
  FREE_SLAB,
  FREE_SLOWPATH,
} from "../statistics.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";
import type { CpuPartial } from "./cpu-partial.ts";

const PAGE_FREELIST = Page.freelist;
const PAGE_COUNTERS = Page.counters;

export interface SlowFreeParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly pageSwap: PageSwap;
  readonly nodePartial: NodePartial;
  readonly slabPages: SlabPages;
  readonly debugging: ObjectDebugging;
  readonly cpuPartial: CpuPartial;
}

export class SlowFree {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare protected readonly freePointers: FreePointers;
  declare protected readonly pageSwap: PageSwap;
  declare protected readonly nodePartial: NodePartial;
  declare protected readonly cpuPartial: CpuPartial;
  declare protected readonly slabPages: SlabPages;
  declare protected readonly debugging: ObjectDebugging;

  constructor(parts: SlowFreeParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.freePointers = parts.freePointers;
    this.pageSwap = parts.pageSwap;
    this.nodePartial = parts.nodePartial;
    this.cpuPartial = parts.cpuPartial;
    this.slabPages = parts.slabPages;
    this.debugging = parts.debugging;
  }

  /**
   * Frees the chain head … tail of `count` objects of one slab, linked up to `tail`. Counted once, as
   * the fast path counts it.
   */
  free(s: KmemCachePtr, page: PagePtr, head: Address, tail: Address, count: number): void {
    this.context.stat(s, FREE_SLOWPATH);
    if (this.context.isDebug(s)) this.freeDebugChain(s, page, head, tail, count);
    else this.freePlain(s, page, head, tail, count);
  }

  protected freePlain(
    s: KmemCachePtr,
    page: PagePtr,
    head: Address,
    tail: Address,
    count: number,
  ): void {
    const { memory, nodePartial } = this;
    for (;;) {
      const prior = memory.readOnce(page + PAGE_FREELIST);
      const counters = memory.readOnce(page + PAGE_COUNTERS);
      const fewer = withInuse(counters, inuseOf(counters) - count);
      if (!this.concernsList(prior, counters, fewer)) {
        if (this.push(s, page, head, tail, prior, counters, fewer)) {
          if (isFrozen(counters)) this.context.stat(s, FREE_FROZEN);
          return;
        }
      } else if (prior === 0) {
        // Full and on no list: the CPU that wins this swap owns it.
        if (this.push(s, page, head, tail, prior, counters, withFrozen(fewer, true))) {
          this.cpuPartial.put(s, page);
          this.context.stat(s, CPU_PARTIAL_FREE);
          return;
        }
      } else {
        const n = this.context.nodeOfPage(s, page);
        const flags = nodePartial.lockIrqsave(n);
        const isDone = this.push(s, page, head, tail, prior, counters, fewer);
        const isUnwanted = isDone && this.relist(s, n, page, prior, fewer);
        nodePartial.unlockIrqrestore(n, flags);
        if (isUnwanted) this.discard(s, page);
        if (isDone) return;
      }
    }
  }

  /** Whether the slab leaves or enters a list by this free: it was full, or becomes empty. */
  private concernsList(prior: Address, counters: number, fewer: number): boolean {
    return (inuseOf(fewer) === 0 || prior === 0) && !isFrozen(counters);
  }

  /** Links the chain to the objects that were free and publishes it; the order of the two matters. */
  // biome-ignore lint/complexity/useMaxParams: as PageSwap.swap
  protected push(
    s: KmemCachePtr,
    page: PagePtr,
    head: Address,
    tail: Address,
    prior: Address,
    counters: number,
    newCounters: number,
  ): boolean {
    this.freePointers.set(s, tail, prior);
    // Full barrier: a CPU that takes the chain sees its links.
    return this.pageSwap.swapIrqSafe(s, page, prior, counters, head, newCounters);
  }

  /**
   * With list_lock, after the swap: puts the slab where it now belongs. True: it is empty and on no
   * list, and is to be discarded once the lock is dropped.
   */
  protected relist(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    page: PagePtr,
    prior: Address,
    counters: number,
  ): boolean {
    const { nodePartial } = this;
    if (inuseOf(counters) === 0 && nodePartial.hasEnough(s, n)) {
      this.takeOffList(s, n, page, prior);
      return true;
    }
    if (prior === 0) {
      nodePartial.removeFull(s, n, page);
      nodePartial.add(n, page, ADD_TO_TAIL);
      this.context.stat(s, FREE_ADD_PARTIAL);
    }
    return false;
  }

  protected discard(s: KmemCachePtr, page: PagePtr): void {
    this.context.stat(s, FREE_SLAB);
    this.slabPages.discard(s, page);
  }

  /** Before an empty slab is discarded, so that no CPU finds it any more. Needs list_lock. */
  protected takeOffList(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr, prior: Address): void {
    if (prior === 0) {
      this.nodePartial.removeFull(s, n, page);
      return;
    }
    this.nodePartial.remove(n, page);
    this.context.stat(s, FREE_REMOVE_PARTIAL);
  }

  /** The chain has more than one object if checks were switched on after it had been made. */
  protected freeDebugChain(
    s: KmemCachePtr,
    page: PagePtr,
    head: Address,
    _tail: Address,
    count: number,
  ): void {
    let object = head;
    for (let left = count; left > 0; left--) {
      // Read before the object is freed; the last one has no next.
      const next = left > 1 ? this.freePointers.get(s, object) : 0;
      this.freeDebug(s, page, object);
      object = next;
    }
  }

  /**
   * A debug cache: objects are checked before they are freed, and list_lock is held from the check
   * to the swap, so that a validation never sees an object that is marked free and not yet listed
   * (c7323a5ad078; 4.1 drops the lock in between). An object that fails the check is never freed.
   */
  protected freeDebug(s: KmemCachePtr, page: PagePtr, object: Address): void {
    const { nodePartial } = this;
    const n = this.context.nodeOfPage(s, page);
    const flags = nodePartial.lockIrqsave(n);
    if (!this.debugging.freeDebugProcessing(s, page, object)) {
      nodePartial.unlockIrqrestore(n, flags);
      return;
    }
    this.listChecked(s, n, page, object, flags);
  }

  /** With list_lock: puts an object that has passed its checks on its list, and drops the lock. */
  protected listChecked(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    page: PagePtr,
    object: Address,
    flags: IrqFlags,
  ): void {
    const { memory, nodePartial } = this;
    for (;;) {
      const prior = memory.readOnce(page + PAGE_FREELIST);
      const counters = memory.readOnce(page + PAGE_COUNTERS);
      const fewer = withInuse(counters, inuseOf(counters) - 1);
      if (!this.push(s, page, object, object, prior, counters, fewer)) continue;
      if (isFrozen(counters)) this.context.stat(s, FREE_FROZEN);
      const isUnwanted =
        this.concernsList(prior, counters, fewer) && this.relist(s, n, page, prior, fewer);
      nodePartial.unlockIrqrestore(n, flags);
      if (isUnwanted) this.discard(s, page);
      return;
    }
  }
}
