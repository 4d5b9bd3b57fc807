// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLUB with sheaves, as Linux 7.1 has it. Each CPU has an array of free objects of a cache, its main
 * sheaf: an allocation pops, a free pushes, and nothing else is touched. Whole sheaves, full against
 * empty, are exchanged with the node's barn; slabs are only met where a sheaf must be filled or emptied.
 *
 * The problem: the cpu slab gave its objects out in the order of one slab's list, and each free to
 * another slab was a swap on that slab's words. The idea: objects of any slabs in one array; nobody
 * else ever touches it, so that a lock of one word of this CPU is enough.
 */
import type { Allocator, SheafCalls } from "../../caches/allocator.ts";
import type { SlabCommon } from "../../caches/slab-common.ts";
import type { Address } from "../../machine/memory.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import { GFP_NOLOCK } from "../gfp.ts";
import type { MarkedPartial } from "../marked-partial.ts";
import { SlabLayer } from "../slab-layer.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import type { Barns } from "./barn.ts";
import type { SheafBulk } from "./bulk.ts";
import type { SheafLock } from "./cpu-sheaves.ts";
import type { DeferredFrees } from "./deferred-frees.ts";
import type { DetachedFreelists } from "./detached-freelist.ts";
import type { SheafFastPaths } from "./fast-paths.ts";
import type { Flush } from "./flush.ts";
import type { SheafFront } from "./front.ts";
import type { MainSheaf } from "./main-sheaf.ts";
import type { OtherNodes } from "./other-nodes.ts";
import type { SheafLayerParts, SheafParts } from "./parts.ts";
import type { Prefill } from "./prefill.ts";
import type { RcuSheaves } from "./rcu-sheaves.ts";
import type { Refill } from "./refill.ts";
import type { Sheaves } from "./sheaf.ts";
import type { SheafSlowAllocation } from "./slow-allocation.ts";
import type { SheafSlowFree } from "./slow-free.ts";
import { CMPXCHG_DOUBLE_FAIL, FREE_SLOWPATH, ORDER_FALLBACK } from "./statistics.ts";
import type { SheafPtr } from "./structs.ts";

export class SheafSlub extends SlabLayer implements Allocator, SheafCalls {
  declare readonly sheafCalls: SheafCalls;
  declare readonly nodePartial: MarkedPartial;
  declare readonly sheaves: Sheaves;
  declare readonly sheafLock: SheafLock;
  declare readonly barns: Barns;
  declare readonly otherNodes: OtherNodes;
  declare readonly detachedFreelists: DetachedFreelists;
  declare readonly slowFree: SheafSlowFree;
  declare readonly slowAllocation: SheafSlowAllocation;
  declare readonly refill: Refill;
  declare readonly flush: Flush;
  declare readonly mainSheaf: MainSheaf;
  declare readonly fastPaths: SheafFastPaths;
  declare readonly bulk: SheafBulk;
  declare readonly prefill: Prefill;
  declare readonly rcuSheaves: RcuSheaves;
  declare readonly deferredFrees: DeferredFrees;
  declare readonly front: SheafFront;

  constructor(common: SlabCommon, parts: SheafLayerParts & SheafParts) {
    super(common, parts, { orderFallback: ORDER_FALLBACK, cmpxchgDoubleFail: CMPXCHG_DOUBLE_FAIL });
    this.sheaves = new parts.Sheaves(this);
    this.sheafLock = new parts.SheafLock(this);
    this.barns = new parts.Barns(this);
    this.otherNodes = new parts.OtherNodes(this);
    this.detachedFreelists = new parts.DetachedFreelists(this);
    this.slowFree = new parts.SheafSlowFree(this);
    this.slowAllocation = new parts.SheafSlowAllocation(this);
    this.refill = new parts.Refill(this);
    this.flush = new parts.Flush(this);
    this.mainSheaf = new parts.MainSheaf(this);
    this.fastPaths = new parts.SheafFastPaths(this);
    this.bulk = new parts.SheafBulk(this);
    this.prefill = new parts.Prefill(this);
    this.rcuSheaves = new parts.RcuSheaves(this);
    this.deferredFrees = new parts.DeferredFrees(this);
    this.front = new parts.SheafFront(this);
    this.sheafCalls = this;
  }

  /** slab_alloc_node */
  slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
    const object = this.fastPaths.alloc(s, gfp, node) || this.slowAllocation.allocate(s, gfp, node);
    return this.handOut(s, gfp, object);
  }

  /** What slab_post_alloc_hook does where nothing more is asked for; 0 stays 0. */
  private handOut(s: KmemCachePtr, gfp: number, object: Address): Address {
    return object !== 0 && (gfp & __GFP_ZERO) !== 0 ? this.zeroed(s, object) : object;
  }

  protected zeroed(s: KmemCachePtr, object: Address): Address {
    this.memory.fill(object, 0, this.memory.read32(s + KmemCache.objectSize));
    return object;
  }

  slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
    if (this.fastPaths.accepts(object) && this.fastPaths.free(s, object, true)) return;
    this.slowFree.free(s, page, [object]);
    this.context.stat(s, FREE_SLOWPATH);
  }

  allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
    return this.bulk.alloc(s, gfp, size, p);
  }

  freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
    this.bulk.free(s, size, p);
  }

  // ---- what only 7.1 has (SheafCalls) ----

  kfreeRcu(s: KmemCachePtr, object: Address): boolean {
    const isHere = this.fastPaths.nodeOfObject(object) === this.otherNodes.numaMemId();
    return isHere && this.rcuSheaves.free(s, object);
  }

  flushRcuSheaves(s: KmemCachePtr): void {
    this.rcuSheaves.flushAll(s);
  }

  prefillSheaf(s: KmemCachePtr, gfp: number, size: number): SheafPtr {
    return this.prefill.prefill(s, gfp, size);
  }

  allocFromSheaf(s: KmemCachePtr, gfp: number, sheaf: SheafPtr): Address {
    return this.handOut(s, gfp, this.prefill.alloc(s, sheaf));
  }

  refillSheaf(s: KmemCachePtr, gfp: number, sheaf: SheafPtr, size: number): SheafPtr {
    return this.prefill.refill(s, gfp, sheaf, size);
  }

  sheafSize(s: KmemCachePtr, sheaf: SheafPtr): number {
    return this.prefill.size(s, sheaf);
  }

  returnSheaf(s: KmemCachePtr, gfp: number, sheaf: SheafPtr): void {
    this.prefill.giveBack(s, gfp, sheaf);
  }

  allocNolock(s: KmemCachePtr, gfp: number, node: number): Address {
    const wish = (gfp & __GFP_ZERO) | GFP_NOLOCK;
    const object =
      this.fastPaths.alloc(s, wish, node) || this.slowAllocation.allocate(s, wish, node);
    return this.handOut(s, wish, object);
  }

  freeNolock(s: KmemCachePtr, object: Address): void {
    if (this.fastPaths.accepts(object) && this.fastPaths.free(s, object, false)) return;
    this.deferredFrees.add(object);
  }

  deferFreeBarrier(): void {
    this.deferredFrees.barrier();
  }
}
