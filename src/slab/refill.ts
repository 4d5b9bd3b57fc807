// SPDX-License-Identifier: GPL-2.0-only
/**
 * A CPU's array is empty (cache_alloc_refill): a batch is taken from the node's shared array, else
 * from its partial slabs, then its free ones; where the node has none, from a new slab. Interrupts
 * are off, except while a new slab is made for a caller that may sleep.
 */
import type { Address, Memory } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import { popObject, pushObject, transferObjects } from "./array-cache.ts";
import type { Grow } from "./grow.ts";
import type { IndexArray } from "./index-array.ts";
import type { NodeLists } from "./node-lists.ts";
import type { SlabContext } from "./slab-context.ts";
import { ALLOCHIT, ALLOCMISS, LISTALLOCS, SHARED_REFILL } from "./statistics.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  KmemCache,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "./structs.ts";

/** An array that was not used since it was last reaped gets no more than this. */
const BATCHREFILL_LIMIT = 16;

// A local name, since every object of a batch passes: see machine/inlining.ts.
const AVAIL = ArrayCache.avail;

/** The parts of a SLAB that it uses. */
export interface RefillParts {
  readonly context: SlabContext;
  readonly indexes: IndexArray;
  readonly lists: NodeLists;
  readonly grow: Grow;
}

export class Refill {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly indexes: IndexArray;
  declare protected readonly lists: NodeLists;
  declare protected readonly grow: Grow;

  constructor(parts: RefillParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.indexes = parts.indexes;
    this.lists = parts.lists;
    this.grow = parts.grow;
  }

  /** ____cache_alloc: an object from this CPU's array, which is filled first if empty; 0: none. */
  allocate(s: KmemCachePtr, gfp: number): Address {
    const { memory } = this;
    let ac = this.context.cpuArray(s);
    if (memory.read32(ac + AVAIL) === 0) {
      this.context.stat(s, ALLOCMISS);
      ac = this.refill(s, gfp, ac);
      if (memory.read32(ac + AVAIL) === 0) return 0;
    } else {
      this.context.stat(s, ALLOCHIT);
    }
    memory.write32(ac + ArrayCache.touched, 1);
    return popObject(memory, ac);
  }

  /** Fills the array of the CPU the task is on in the end, and returns it; empty: no memory. */
  protected refill(s: KmemCachePtr, gfp: number, empty: ArrayCachePtr): ArrayCachePtr {
    const { memory } = this;
    for (let ac = empty; ; ) {
      const nid = this.context.localNode();
      const n = this.context.nodeOf(s, nid);
      this.lists.lock(n);
      this.takeFromNode(s, n, ac, this.batchOf(ac));
      this.lists.unlock(n);
      if (memory.read32(ac + AVAIL) !== 0) return ac;
      const page = this.grow.begin(s, gfp, nid);
      if (page !== 0) this.grow.end(s, page);
      ac = this.arrayAfterGrow(s, ac);
      // A task that ran here meanwhile may have filled it.
      if (page === 0 || memory.read32(ac + AVAIL) !== 0) return ac;
    }
  }

  /** Interrupts were on: this may be another CPU, or another array on the same one. */
  protected arrayAfterGrow(s: KmemCachePtr, _before: ArrayCachePtr): ArrayCachePtr {
    return this.context.cpuArray(s);
  }

  protected batchOf(ac: ArrayCachePtr): number {
    const batch = this.memory.read32(ac + ArrayCache.batchcount);
    const cold = this.memory.read32(ac + ArrayCache.touched) === 0;
    return cold ? Math.min(batch, BATCHREFILL_LIMIT) : batch;
  }

  /** Up to `batch` objects from the shared array, or else from the slabs. list_lock is held. */
  protected takeFromNode(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    ac: ArrayCachePtr,
    batch: number,
  ): void {
    const { memory } = this;
    const shared = memory.readOnce(n + KmemCacheNode.shared);
    if (shared !== 0 && transferObjects(memory, ac, shared, batch) !== 0) {
      memory.write32(shared + ArrayCache.touched, 1);
      this.context.stat(s, SHARED_REFILL);
      return;
    }
    let left = batch;
    while (left > 0) {
      const page = this.lists.firstWithFree(n);
      if (page === 0) break;
      this.lists.remove(n, page);
      left = this.takeFromSlab(s, page, ac, left);
      this.lists.addTaken(s, n, page);
    }
    this.lists.addCount(n, KmemCacheNode.freeObjects, left - batch);
  }

  /** alloc_block: up to `batch` objects of one slab; returns how many are still wanted. */
  protected takeFromSlab(s: KmemCachePtr, page: PagePtr, ac: ArrayCachePtr, batch: number): number {
    const free = this.memory.read32(s + KmemCache.num) - this.indexes.active(page);
    const count = Math.min(batch, free);
    for (let i = 0; i < count; i++) pushObject(this.memory, ac, this.indexes.take(s, page));
    this.context.stat(s, LISTALLOCS, count);
    return batch - count;
  }
}
