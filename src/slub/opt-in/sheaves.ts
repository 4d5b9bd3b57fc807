// SPDX-License-Identifier: GPL-2.0-only
/**
 * The sheaves of 6.18 and 6.19: the parts that 7.1 has, standing on cpu slabs instead of on the lists
 * of the nodes. A sheaf is filled from the cpu slab and emptied to it; all between is the same.
 */
import type { SheafCalls } from "../../caches/allocator.ts";
import type { Address } from "../../machine/memory.ts";
import { __GFP_NOWARN, __GFP_ZERO } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { Slub } from "../cpu-slab/slub.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { Front } from "../front.ts";
import { GFP_NOLOCK } from "../gfp.ts";
import type { MarkedPartial } from "../marked-partial.ts";
import type { ObjectDebugging } from "../object-debugging.ts";
import type { PageSwap } from "../page-swap.ts";
import type { Barns } from "../sheaves/barn.ts";
import type { SheafLock } from "../sheaves/cpu-sheaves.ts";
import type { DetachedFreelists } from "../sheaves/detached-freelist.ts";
import type { SheafFastPaths } from "../sheaves/fast-paths.ts";
import type { Flush } from "../sheaves/flush.ts";
import type { MainSheaf } from "../sheaves/main-sheaf.ts";
import type { OtherNodes } from "../sheaves/other-nodes.ts";
import type { Sheaves } from "../sheaves/sheaf.ts";
import type { SheafSlowAllocation } from "../sheaves/slow-allocation.ts";
import type { SheafPtr } from "../sheaves/structs.ts";
import type { SlabPages } from "../slab-pages.ts";
import type { KmemCachePtr } from "../structs.ts";
import type { OptInBulk } from "./bulk.ts";
import { OptInContext } from "./context.ts";
import type { OptInDeferredFrees } from "./deferred-frees.ts";
import type { OptInSheafParts } from "./parts.ts";
import type { OptInPrefill } from "./prefill.ts";
import type { OptInRcuSheaves } from "./rcu-sheaves.ts";
import type { RefillFromCpuSlab } from "./refill.ts";
import type { OptInSheafFront } from "./sheaf-front.ts";
import type { FreeToCpuSlab } from "./slow-free.ts";
import type { OptInSlub } from "./slub.ts";

/** The paths of cpu slabs that the parts of sheaves take. */
export type CpuSlabPaths = Pick<Slub, "slowFree" | "deactivation">;

export class OptInSheaves implements SheafCalls {
  declare readonly context: OptInContext;
  declare readonly kmallocShiftHigh: number;
  declare readonly freePointers: FreePointers;
  declare readonly pageSwap: PageSwap;
  declare readonly nodePartial: MarkedPartial;
  declare readonly debugging: ObjectDebugging;
  declare readonly slabPages: SlabPages;
  declare readonly sheaves: Sheaves;
  declare readonly sheafLock: SheafLock;
  declare readonly barns: Barns;
  declare readonly otherNodes: OtherNodes;
  declare readonly detachedFreelists: DetachedFreelists;
  declare readonly slowFree: FreeToCpuSlab;
  declare readonly slowAllocation: SheafSlowAllocation;
  declare readonly refill: RefillFromCpuSlab;
  declare readonly flush: Flush;
  declare readonly mainSheaf: MainSheaf;
  declare readonly fastPaths: SheafFastPaths;
  declare readonly bulk: OptInBulk;
  declare readonly prefill: OptInPrefill;
  declare readonly rcuSheaves: OptInRcuSheaves;
  declare readonly deferredFrees: OptInDeferredFrees;
  declare readonly sheafFront: OptInSheafFront;
  declare protected readonly slub: OptInSlub;

  constructor(slub: OptInSlub, parts: OptInSheafParts) {
    this.slub = slub;
    this.context = new OptInContext(slub.context.common, slub.context.events);
    this.kmallocShiftHigh = slub.kmallocShiftHigh;
    this.freePointers = slub.freePointers;
    this.pageSwap = slub.pageSwap;
    this.nodePartial = slub.nodePartial;
    this.debugging = slub.debugging;
    this.slabPages = slub.slabPages;
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
    this.sheafFront = new parts.SheafFront(this);
  }

  // What the parts ask of the allocator and its cpu slabs.

  get cpuSlabs(): CpuSlabPaths {
    return this.slub;
  }

  kmallocIndexOf(size: number): number {
    return this.slub.kmallocIndexOf(size);
  }

  slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
    return this.slub.slabAllocNode(s, gfp, node);
  }

  slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
    this.slub.slabFree(s, page, object);
  }

  slabFreeChain(s: KmemCachePtr, page: PagePtr, head: Address, tail: Address, count: number): void {
    this.slub.slabFreeChain(s, page, head, tail, count);
  }

  /** __kmem_cache_alloc_bulk: all that is wanted, or nothing. */
  cpuSlabBulk(s: KmemCachePtr, gfp: number, size: number): Address[] {
    const objects: Address[] = [];
    const got = this.slub.bulk.take(s, gfp, size, objects);
    if (got === size) return objects;
    this.flush.toSlabs(s, objects.slice(0, got));
    return [];
  }

  freeToCpuSlabs(s: KmemCachePtr, p: Address[]): void {
    this.slub.bulk.free(s, p.length, p);
  }

  get front(): Front {
    return this.slub.front;
  }

  // ---- SheafCalls ----

  kfreeRcu(s: KmemCachePtr, object: Address): boolean {
    return this.fastPaths.accepts(object) && this.rcuSheaves.free(s, object);
  }

  flushRcuSheaves(s: KmemCachePtr): void {
    this.rcuSheaves.flushAll(s);
  }

  prefillSheaf(s: KmemCachePtr, gfp: number, size: number): SheafPtr {
    return this.prefill.prefill(s, gfp, size);
  }

  allocFromSheaf(s: KmemCachePtr, gfp: number, sheaf: SheafPtr): Address {
    return this.slub.handOut(s, gfp, this.prefill.alloc(s, sheaf));
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

  /** kmalloc_nolock: sheaves, where there are any, and then the cpu slab, without a lock. */
  allocNolock(s: KmemCachePtr, gfp: number, node: number): Address {
    return this.slub.slabAllocNode(s, (gfp & __GFP_ZERO) | __GFP_NOWARN | GFP_NOLOCK, node);
  }

  /** kfree_nolock: only what lies on this CPU's slab is freed at once; sheaves are not asked. */
  freeNolock(s: KmemCachePtr, object: Address): void {
    const { memory, pages } = this.context;
    const page = pages.virtToHeadPage(object);
    const flags = memory.irqSave();
    const { cpuSlab } = this.slub;
    if (cpuSlab.page(cpuSlab.here(s)) === page) this.slabFreeChain(s, page, object, object, 1);
    else this.deferredFrees.add(object);
    memory.irqRestore(flags);
  }

  deferFreeBarrier(): void {
    this.deferredFrees.barrier();
  }
}
