// SPDX-License-Identifier: GPL-2.0-only
/**
 * refill_objects: many objects at once. Whole slabs are taken off a node's list (isolated: on no
 * list, and not full), emptied by one swap each, and what is left over goes back on the list.
 */
import type { Address, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { freeOf, inuseOf, objectsOf, withInuse } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { MarkedPartial } from "../marked-partial.ts";
import { ADD_TO_HEAD } from "../node-partial.ts";
import type { PageSwap } from "../page-swap.ts";
import type { SlabPages } from "../slab-pages.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";
import type { OtherNodes } from "./other-nodes.ts";
import type { Sheaves } from "./sheaf.ts";
import type { SheafSlowAllocation } from "./slow-allocation.ts";
import type { SheafSlowFree } from "./slow-free.ts";
import { ALLOC_SLAB, SHEAF_REFILL } from "./statistics.ts";
import type { SheafPtr } from "./structs.ts";

export interface RefillParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly pageSwap: PageSwap;
  readonly nodePartial: MarkedPartial;
  readonly slabPages: SlabPages;
  readonly otherNodes: OtherNodes;
  readonly sheaves: Sheaves;
  readonly slowAllocation: SheafSlowAllocation;
  readonly slowFree: SheafSlowFree;
}

export class Refill {
  declare protected readonly parts: RefillParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: RefillParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** refill_sheaf: to its capacity. False: memory ran out; what was got stays in the sheaf. */
  sheaf(s: KmemCachePtr, sheaf: SheafPtr, gfp: number): boolean {
    const { sheaves } = this.parts;
    const wanted = sheaves.capacityOf(s) - sheaves.size(sheaf);
    if (wanted <= 0) return true;
    const objects = this.objects(s, gfp, wanted);
    for (const object of objects) sheaves.push(sheaf, object);
    if (objects.length > 0) this.context.stat(s, SHEAF_REFILL, objects.length);
    return objects.length === wanted;
  }

  /** `wanted` objects, or fewer where memory runs out. */
  objects(s: KmemCachePtr, gfp: number, wanted: number): Address[] {
    const { otherNodes, slowAllocation } = this.parts;
    const near = otherNodes.numaMemId();
    const got = this.fromNode(s, gfp, this.context.nodeOf(s, near), wanted);
    if (got.length < wanted) this.fromOtherNodes(s, gfp, wanted, got);
    while (got.length < wanted) {
      const page = slowAllocation.newSlab(s, gfp, near);
      if (page === 0) break;
      this.context.stat(s, ALLOC_SLAB);
      const taken = slowAllocation.takeFromNew(s, page, wanted - got.length, gfp);
      for (const object of taken) got.push(object);
    }
    return got;
  }

  protected fromOtherNodes(s: KmemCachePtr, gfp: number, wanted: number, got: Address[]): void {
    for (const n of this.parts.otherNodes.withSurplus(s, gfp)) {
      const needed = wanted - got.length;
      const found = this.fromNode(s, gfp, n, needed, true);
      for (const object of found) got.push(object);
      if (found.length >= needed) return;
    }
  }

  /** __refill_objects_node. `tries`: another node's lock is not waited for. */
  private fromNode(
    s: KmemCachePtr,
    gfp: number,
    n: KmemCacheNodePtr,
    wanted: number,
    tries = false,
  ): Address[] {
    const isolated = this.isolate(n, gfp, wanted, tries);
    const got: Address[] = [];
    let used = 0;
    for (const page of isolated) {
      if (got.length >= wanted) break;
      used++;
      this.empty(s, page, wanted, got);
    }
    if (used < isolated.length) this.giveBack(s, n, isolated.slice(used));
    return got;
  }

  /**
   * get_partial_node_bulk: takes slabs off the list until their free objects suffice, the last one
   * first. Their counts are read once: frees can only raise them.
   */
  protected isolate(n: KmemCacheNodePtr, gfp: number, wanted: number, tries: boolean): PagePtr[] {
    const { nodePartial } = this.parts;
    if (n === 0 || nodePartial.nrPartial(n) === 0) return [];
    const flags = tries ? nodePartial.tryLockIrqsave(n) : nodePartial.lockIrqsave(n);
    if (flags === undefined) return [];
    const isolated: PagePtr[] = [];
    let total = 0;
    for (let page = nodePartial.first(n, gfp); page !== 0 && total < wanted; ) {
      const next = nodePartial.next(n, page, gfp);
      total += freeOf(this.memory.readOnce(page + Page.counters));
      nodePartial.remove(n, page);
      isolated.unshift(page);
      page = next;
    }
    nodePartial.unlockIrqrestore(n, flags);
    return isolated;
  }

  /** Takes all free objects of an isolated slab; what exceeds the wish goes back to it. */
  protected empty(s: KmemCachePtr, page: PagePtr, wanted: number, got: Address[]): void {
    const { freePointers, slowFree } = this.parts;
    const surplus: Address[] = [];
    for (let object = this.takeAll(s, page); object !== 0; object = freePointers.get(s, object)) {
      if (got.length < wanted) got.push(object);
      else surplus.push(object);
    }
    // The slab counts as full now, so that it is listed again, at the tail.
    if (surplus.length > 0) slowFree.free(s, page, surplus);
  }

  /** get_freelist_nofreeze */
  protected takeAll(s: KmemCachePtr, page: PagePtr): Address {
    const { memory } = this;
    for (;;) {
      const freelist = memory.readOnce(page + Page.freelist);
      const counters = memory.readOnce(page + Page.counters);
      const taken = withInuse(counters, objectsOf(counters));
      if (this.parts.pageSwap.swapIrqSafe(s, page, freelist, counters, 0, taken)) return freelist;
    }
  }

  /** Slabs that were not needed: back to the head, unless they have become empty and are too many. */
  protected giveBack(s: KmemCachePtr, n: KmemCacheNodePtr, pages: readonly PagePtr[]): void {
    const { nodePartial, slabPages } = this.parts;
    const unwanted: PagePtr[] = [];
    const flags = nodePartial.lockIrqsave(n);
    for (const page of pages) {
      const isEmpty = inuseOf(this.memory.readOnce(page + Page.counters)) === 0;
      if (isEmpty && nodePartial.hasEnough(s, n)) unwanted.push(page);
      else nodePartial.add(n, page, ADD_TO_HEAD);
    }
    nodePartial.unlockIrqrestore(n, flags);
    for (const page of unwanted) slabPages.discard(s, page);
  }
}
