// SPDX-License-Identifier: GPL-2.0-only
/**
 * ___slab_alloc: one object, past all sheaves. It is popped from the first partial slab under
 * list_lock, and the slab keeps its place until it is full; else a new slab is made.
 */
import type { Address, Memory } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_NOWARN, __GFP_THISNODE, GFP_NOWAIT } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, objectsOf, packCounters, withInuse } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import { allowsSpinning } from "../gfp.ts";
import type { MarkedPartial } from "../marked-partial.ts";
import { ADD_TO_HEAD } from "../node-partial.ts";
import type { ObjectDebugging } from "../object-debugging.ts";
import { OutOfMemory } from "../out-of-memory.ts";
import type { PageSwap } from "../page-swap.ts";
import type { SlabPages } from "../slab-pages.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";
import type { OtherNodes } from "./other-nodes.ts";
import { ALLOC_SLAB, ALLOC_SLOWPATH } from "./statistics.ts";

export interface SheafSlowAllocationParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly pageSwap: PageSwap;
  readonly nodePartial: MarkedPartial;
  readonly slabPages: SlabPages;
  readonly debugging: ObjectDebugging;
  readonly otherNodes: OtherNodes;
}

export class SheafSlowAllocation {
  declare protected readonly parts: SheafSlowAllocationParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare private readonly outOfMemory: OutOfMemory;

  constructor(parts: SheafSlowAllocationParts) {
    this.parts = parts;
    this.outOfMemory = new OutOfMemory(parts);
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  allocate(s: KmemCachePtr, gfp: number, asked: number): Address {
    this.context.stat(s, ALLOC_SLOWPATH);
    const isNowhere = asked !== NUMA_NO_NODE && !this.isNode(asked);
    if (isNowhere && (gfp & __GFP_THISNODE) !== 0) return 0;
    // A node without memory is no wish that could be met.
    const hasMemory = this.isNode(asked) && this.context.nodeOf(s, asked) !== 0;
    const node = hasMemory ? asked : NUMA_NO_NODE;
    const isWish = node !== NUMA_NO_NODE && (gfp & __GFP_THISNODE) === 0;
    if (isWish) {
      // First only what lies on that node, or can be had there without effort.
      const base = allowsSpinning(gfp) ? GFP_NOWAIT | __GFP_NOWARN : gfp;
      const object = this.allocateOnce(s, base | __GFP_THISNODE, node);
      if (object !== 0) return object;
    }
    const object = this.allocateOnce(s, gfp, node);
    if (object === 0 && allowsSpinning(gfp)) this.outOfMemory.report(s, gfp, node);
    return object;
  }

  private isNode(nid: number): boolean {
    return nid >= 0 && nid < this.context.machine.options.nodes;
  }

  private allocateOnce(s: KmemCachePtr, gfp: number, node: number): Address {
    const listed = this.getFromPartial(s, gfp, node);
    return listed !== 0 ? listed : this.allocateFromNewSlab(s, gfp, node);
  }

  /** get_from_partial: the node's list, then, unless that node is meant and no other, any node's. */
  private getFromPartial(s: KmemCachePtr, gfp: number, node: number): Address {
    const near = node === NUMA_NO_NODE ? this.parts.otherNodes.numaMemId() : node;
    const object = this.getFromPartialNode(s, this.context.nodeOf(s, near), gfp);
    if (object !== 0 || (node !== NUMA_NO_NODE && (gfp & __GFP_THISNODE) !== 0)) return object;
    for (const n of this.parts.otherNodes.withSurplus(s, gfp)) {
      const found = this.getFromPartialNode(s, n, gfp);
      if (found !== 0) return found;
    }
    return 0;
  }

  /** get_from_partial_node */
  private getFromPartialNode(s: KmemCachePtr, n: KmemCacheNodePtr, gfp: number): Address {
    const { nodePartial } = this.parts;
    // Without the lock: at worst a slab is missed, and a new one made.
    if (n === 0 || nodePartial.nrPartial(n) === 0) return 0;
    const flags = nodePartial.lockFor(n, gfp);
    if (flags === undefined) return 0;
    let object: Address = 0;
    for (let page = nodePartial.first(n, gfp); page !== 0 && object === 0; ) {
      const next = nodePartial.next(n, page, gfp);
      object = this.context.isDebug(s) ? this.takeChecked(s, n, page) : this.pop(s, n, page);
      page = next;
    }
    nodePartial.unlockIrqrestore(n, flags);
    return object;
  }

  /** Takes one object. Only frees come in between, since a take needs list_lock, too. */
  private pop(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): Address {
    const { memory } = this;
    const { pageSwap, freePointers, nodePartial } = this.parts;
    for (;;) {
      const object = memory.readOnce(page + Page.freelist);
      const counters = memory.readOnce(page + Page.counters);
      const next = freePointers.get(s, object);
      const taken = withInuse(counters, inuseOf(counters) + 1);
      if (!pageSwap.swap(s, page, object, counters, next, taken)) continue;
      if (next === 0) nodePartial.remove(n, page);
      return object;
    }
  }

  /** alloc_single_from_partial: a debug cache; 0 where the object fails its check. */
  private takeChecked(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): Address {
    const { memory } = this;
    const { nodePartial, debugging } = this.parts;
    const object = memory.readOnce(page + Page.freelist);
    const taken = this.takeHead(s, page, object);
    if (!debugging.allocDebugProcessing(s, page, object)) {
      nodePartial.remove(n, page);
      return 0;
    }
    if (inuseOf(taken) === objectsOf(taken)) {
      nodePartial.remove(n, page);
      nodePartial.addFull(s, n, page);
    }
    return object;
  }

  /** Takes the first object off a list that nobody else changes now; the counters after that. */
  private takeHead(s: KmemCachePtr, page: PagePtr, object: Address): number {
    const { memory } = this;
    const counters = memory.readOnce(page + Page.counters);
    const taken = withInuse(counters, inuseOf(counters) + 1);
    memory.writeOnce(page + Page.freelist, this.parts.freePointers.get(s, object));
    memory.writeOnce(page + Page.counters, taken);
    return taken;
  }

  private allocateFromNewSlab(s: KmemCachePtr, gfp: number, node: number): Address {
    const page = this.newSlab(s, gfp, node);
    if (page === 0) return 0;
    this.context.stat(s, ALLOC_SLAB);
    if (this.context.isDebug(s)) return this.takeCheckedFromNew(s, page, gfp);
    return this.takeFromNew(s, page, 1, gfp)[0] ?? 0;
  }

  /** new_slab: nobody else knows it yet, and no object is in use; 0: no memory. */
  newSlab(s: KmemCachePtr, gfp: number, node: number): PagePtr {
    const { memory } = this;
    const page = this.parts.slabPages.newSlab(s, gfp, node);
    if (page === 0) return 0;
    const objects = objectsOf(memory.read32(page + Page.counters));
    memory.write32(page + Page.counters, packCounters(0, objects, false));
    return page;
  }

  /**
   * alloc_from_new_slab: its first `most` objects; the slab goes on its node's list with the rest. A
   * caller that may not wait for the list gets none, and the slab is given back.
   */
  takeFromNew(s: KmemCachePtr, page: PagePtr, most: number, gfp: number): Address[] {
    const { memory } = this;
    const { freePointers, nodePartial, slabPages } = this.parts;
    const counters = memory.read32(page + Page.counters);
    const count = Math.min(objectsOf(counters), most);
    const n = this.context.nodeOfPage(s, page);
    const isListed = count < objectsOf(counters);
    const flags = isListed ? nodePartial.lockFor(n, gfp) : undefined;
    if (isListed && flags === undefined) {
      slabPages.freeUnseen(s, page);
      return [];
    }
    const objects: Address[] = [];
    let object = memory.read32(page + Page.freelist);
    for (let i = 0; i < count; i++) {
      objects.push(object);
      object = freePointers.get(s, object);
    }
    memory.write32(page + Page.freelist, object);
    memory.write32(page + Page.counters, withInuse(counters, count));
    if (flags !== undefined) {
      nodePartial.add(n, page, ADD_TO_HEAD);
      nodePartial.unlockIrqrestore(n, flags);
    }
    slabPages.incSlabsNode(s, page, objectsOf(counters));
    return objects;
  }

  /** alloc_single_from_new_slab: a debug cache. */
  private takeCheckedFromNew(s: KmemCachePtr, page: PagePtr, gfp: number): Address {
    const { nodePartial, debugging, slabPages } = this.parts;
    const n = this.context.nodeOfPage(s, page);
    const flags = nodePartial.lockFor(n, gfp);
    if (flags === undefined) {
      slabPages.freeUnseen(s, page);
      return 0;
    }
    const object = this.memory.read32(page + Page.freelist);
    const taken = this.takeHead(s, page, object);
    const isFit = debugging.allocDebugProcessing(s, page, object);
    if (isFit) {
      if (inuseOf(taken) === objectsOf(taken)) nodePartial.addFull(s, n, page);
      else nodePartial.add(n, page, ADD_TO_HEAD);
      slabPages.incSlabsNode(s, page, objectsOf(taken));
    }
    nodePartial.unlockIrqrestore(n, flags);
    // A slab that failed is left to itself, uncounted.
    return isFit ? object : 0;
  }
}
