// SPDX-License-Identifier: GPL-2.0-only
/**
 * Emptying queues: all of a cache's when it shrinks, part of one when it was not used for a while.
 * A CPU's array is emptied on that CPU, by an inter-processor call: no other CPU may touch it.
 */
import type { Memory } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { AlienCaches } from "./alien.ts";
import { dropOldest, oldestObjects } from "./array-cache.ts";
import type { FreeBlock } from "./free-block.ts";
import type { NodeLists } from "./node-lists.ts";
import type { SlabContext } from "./slab-context.ts";
import type { SlabPages } from "./slab-pages.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface DrainParts {
  readonly context: SlabContext;
  readonly lists: NodeLists;
  readonly freeBlock: FreeBlock;
  readonly aliens: AlienCaches;
  readonly slabPages: SlabPages;
}

/** How many objects of an array go home: all, or the oldest fifth if it was not used lately. */
export type HowMany = "all" | "fifth";

export class Drain {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly lists: NodeLists;
  declare protected readonly freeBlock: FreeBlock;
  declare protected readonly aliens: AlienCaches;
  declare protected readonly slabPages: SlabPages;
  declare private readonly drainFunction: number;

  constructor(parts: DrainParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.lists = parts.lists;
    this.freeBlock = parts.freeBlock;
    this.aliens = parts.aliens;
    this.slabPages = parts.slabPages;
    this.drainFunction = parts.context.machine.functions.register((s) => this.drainThisCpu(s));
  }

  /** do_drain: all of this CPU's array goes home. Interrupts are off. */
  drainThisCpu(s: KmemCachePtr): void {
    const ac = this.context.cpuArray(s);
    const n = this.context.nodeOf(s, this.context.localNode());
    this.lists.lock(n);
    const slabsToFree = this.freeBlock.empty(s, n, ac);
    this.lists.unlock(n);
    this.slabPages.destroyAll(s, slabsToFree);
  }

  /** drain_cpu_caches: afterwards all free objects are on their slabs. Interrupts are on. */
  drainAll(s: KmemCachePtr): void {
    this.context.machine.calls.callOnEach(() => true, this.drainFunction, s);
    for (let nid = 0; nid < this.context.nodes; nid++) {
      const n = this.context.nodeOf(s, nid);
      if (n !== 0) this.aliens.drainAll(s, this.memory.readOnce(n + KmemCacheNode.alien));
    }
    for (let nid = 0; nid < this.context.nodes; nid++) {
      const n = this.context.nodeOf(s, nid);
      if (n !== 0) this.drainShared(s, n, "all");
    }
  }

  /**
   * Frees all, or the oldest fifth, of a node's shared array. The array is looked up and looked at
   * under list_lock, since others exchange it (18726ca8b34b) and take from it (b18e7e654d7a).
   */
  drainShared(s: KmemCachePtr, n: KmemCacheNodePtr, howMany: HowMany): void {
    const flags = this.lists.lockIrqsave(n);
    const shared = this.memory.readOnce(n + KmemCacheNode.shared);
    const slabsToFree = shared === 0 ? [] : this.drainLocked(s, n, shared, howMany);
    this.lists.unlockIrqrestore(n, flags);
    this.slabPages.destroyAll(s, slabsToFree);
  }

  /** drain_array of this CPU's array: if it was not used since the last time, a fifth goes. */
  drainOwnArray(s: KmemCachePtr): void {
    const flags = this.memory.irqSave();
    const ac = this.context.cpuArray(s);
    const n = this.context.nodeOf(s, this.context.localNode());
    this.lists.lock(n);
    const slabsToFree = this.drainLocked(s, n, ac, "fifth");
    this.lists.unlock(n);
    this.slabPages.destroyAll(s, slabsToFree);
    this.memory.irqRestore(flags);
  }

  /** drain_array_locked, with list_lock held. An array in use only loses its mark. */
  protected drainLocked(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    ac: ArrayCachePtr,
    howMany: HowMany,
  ): PagePtr[] {
    const { memory } = this;
    const avail = memory.read32(ac + ArrayCache.avail);
    if (avail === 0) return [];
    if (howMany === "fifth" && memory.read32(ac + ArrayCache.touched) !== 0) {
      memory.write32(ac + ArrayCache.touched, 0);
      return [];
    }
    const count = howMany === "all" ? avail : this.fifth(ac, avail);
    const slabsToFree = this.freeBlock.free(s, n, oldestObjects(memory, ac, count));
    dropOldest(memory, ac, count);
    return slabsToFree;
  }

  /** A fifth of what the array may hold, or half of what it holds if that is less. */
  protected fifth(ac: ArrayCachePtr, avail: number): number {
    const wanted = Math.floor((this.memory.read32(ac + ArrayCache.limit) + 4) / 5);
    return wanted > avail ? (avail + 1) >> 1 : wanted;
  }

  /** Destroys a node's empty slabs; true if others remain. Interrupts are on. */
  drainNode(s: KmemCachePtr, n: KmemCacheNodePtr): boolean {
    this.drainFreelist(s, n, Number.POSITIVE_INFINITY);
    const flags = this.lists.lockIrqsave(n);
    const remain = this.lists.hasObjectsOut(n);
    this.lists.unlockIrqrestore(n, flags);
    return remain;
  }

  /** drain_freelist: destroys up to `most` of a node's empty slabs; returns how many it did. */
  drainFreelist(s: KmemCachePtr, n: KmemCacheNodePtr, most: number): number {
    let freed = 0;
    for (; freed < most; freed++) {
      const flags = this.lists.lockIrqsave(n);
      const page = this.lists.removeLastFree(s, n);
      this.lists.unlockIrqrestore(n, flags);
      if (page === 0) break;
      this.slabPages.destroy(s, page);
    }
    return freed;
  }
}
