// SPDX-License-Identifier: GPL-2.0-only
/**
 * Objects freed on a node they are not of wait in that node's alien cache for their own node, twelve
 * at most, and go home together: to their node's shared array, the rest to its slabs.
 *
 * Each alien cache has its own lock; the remote list_lock is taken inside it. Slabs are destroyed
 * with neither held: that may free an index array of yet another node, through another alien cache,
 * and two nodes that free each other's objects would wait for each other (833b706cc8b4).
 */
import type { Address, Memory } from "../machine/memory.ts";
import { initSpinLock, spinLock, spinTrylock, spinUnlock } from "../machine/spinlock.ts";
import { __GFP_ZERO } from "../pages/gfp.ts";
import type { PagePtr } from "../pages/page.ts";
import { BATCHCOUNT_UNUSED, initArray, pushObject, transferObjects } from "./array-cache.ts";
import type { FreeBlock } from "./free-block.ts";
import type { NodeLists } from "./node-lists.ts";
import type { SlabContext } from "./slab-context.ts";
import type { SlabPages } from "./slab-pages.ts";
import { ALIEN_DRAIN, ALIENOVERFLOW, REMOTEFREES } from "./statistics.ts";
import type { Storage } from "./storage.ts";
import {
  AlienCache,
  type AlienCachePtr,
  ArrayCache,
  type ArrayCachePtr,
  alienCacheBytes,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "./structs.ts";

const ALIEN_LIMIT = 12;

/** The parts of a SLAB that it uses. */
export interface AlienCachesParts {
  readonly context: SlabContext;
  readonly storage: Storage;
  readonly lists: NodeLists;
  readonly freeBlock: FreeBlock;
  readonly slabPages: SlabPages;
}

export class AlienCaches {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly storage: Storage;
  declare protected readonly lists: NodeLists;
  declare protected readonly freeBlock: FreeBlock;
  declare protected readonly slabPages: SlabPages;

  constructor(parts: AlienCachesParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.storage = parts.storage;
    this.lists = parts.lists;
    this.freeBlock = parts.freeBlock;
    this.slabPages = parts.slabPages;
  }

  /** use_alien_caches: not with one node, nor with `noaliencache`. */
  get inUse(): boolean {
    return this.context.common.parameters.useAlienCaches && this.context.nodes > 1;
  }

  /** alloc_alien_cache: a table with one cache for each other node; 0: no memory. */
  alloc(nid: number, cacheLimit: number, gfp: number): Address {
    const limit = cacheLimit > 1 ? ALIEN_LIMIT : cacheLimit;
    const table = this.storage.kmallocNode(8 * this.context.nodes, gfp & ~__GFP_ZERO, nid);
    if (table === 0) return 0;
    this.memory.fill(table, 0, 4 * this.context.nodes);
    for (let other = 0; other < this.context.nodes; other++) {
      if (other === nid) continue;
      const alien = this.storage.kmallocNode(alienCacheBytes(limit), gfp, nid);
      if (alien === 0) {
        this.release(table);
        return 0;
      }
      initSpinLock(this.memory, alien + AlienCache.lock, "alien->lock");
      initArray(this.memory, alien + AlienCache.ac, limit, BATCHCOUNT_UNUSED);
      this.memory.write32(table + (other << 2), alien);
    }
    return table;
  }

  /** free_alien_cache: the caches are empty. */
  release(table: Address): void {
    if (table === 0) return;
    for (let nid = 0; nid < this.context.nodes; nid++)
      this.context.common.kfree(this.at(table, nid));
    this.context.common.kfree(table);
  }

  /** The cache for objects of `nid`, or 0. */
  at(table: Address, nid: number): AlienCachePtr {
    return this.memory.read32(table + (nid << 2));
  }

  /** __cache_free_alien: frees an object of another node than this CPU's. Interrupts are off. */
  free(s: KmemCachePtr, object: Address, nid: number): void {
    const n = this.context.nodeOf(s, this.context.localNode());
    this.context.stat(s, REMOTEFREES);
    const table = this.memory.readOnce(n + KmemCacheNode.alien);
    const alien = table === 0 ? 0 : this.at(table, nid);
    const slabsToFree =
      alien === 0 ? this.freeHome(s, object, nid) : this.queue(s, alien, object, nid);
    this.slabPages.destroyAll(s, slabsToFree);
  }

  /** An object straight to its slab; returns the slabs to destroy. */
  freeHome(s: KmemCachePtr, object: Address, nid: number): PagePtr[] {
    const n = this.context.nodeOf(s, nid);
    this.lists.lock(n);
    const slabsToFree = this.freeBlock.free(s, n, [object]);
    this.lists.unlock(n);
    return slabsToFree;
  }

  protected queue(s: KmemCachePtr, alien: AlienCachePtr, object: Address, nid: number): PagePtr[] {
    const { memory } = this;
    const ac = alien + AlienCache.ac;
    let slabsToFree: PagePtr[] = [];
    spinLock(memory, alien + AlienCache.lock);
    if (memory.read32(ac + ArrayCache.avail) === memory.read32(ac + ArrayCache.limit)) {
      this.context.stat(s, ALIENOVERFLOW);
      slabsToFree = this.sendHome(s, ac, nid);
    }
    pushObject(memory, ac, object);
    spinUnlock(memory, alien + AlienCache.lock);
    return slabsToFree;
  }

  /** __drain_alien_cache: empties the array of one alien cache, whose lock is held. */
  protected sendHome(s: KmemCachePtr, ac: ArrayCachePtr, nid: number): PagePtr[] {
    const { memory } = this;
    if (memory.read32(ac + ArrayCache.avail) === 0) return [];
    const n = this.context.nodeOf(s, nid);
    this.lists.lock(n);
    this.fillShared(n, ac);
    const slabsToFree = this.freeBlock.empty(s, n, ac);
    this.lists.unlock(n);
    this.context.stat(s, ALIEN_DRAIN);
    return slabsToFree;
  }

  /** Their node will soon want objects again. It has no shared array once its last CPU is gone. */
  protected fillShared(n: KmemCacheNodePtr, ac: ArrayCachePtr): void {
    const { memory } = this;
    const shared = memory.readOnce(n + KmemCacheNode.shared);
    if (shared === 0) return;
    transferObjects(memory, shared, ac, memory.read32(ac + ArrayCache.limit));
  }

  /** drain_alien_cache: empties all caches of a table. Interrupts are on. */
  drainAll(s: KmemCachePtr, table: Address): void {
    if (table === 0) return;
    for (let nid = 0; nid < this.context.nodes; nid++) {
      const alien = this.at(table, nid);
      if (alien === 0) continue;
      const flags = this.memory.irqSave();
      spinLock(this.memory, alien + AlienCache.lock);
      this.drainLocked(s, alien, nid, flags);
    }
  }

  /** reap_alien: empties one cache unless its lock is taken. */
  reap(s: KmemCachePtr, table: Address, nid: number): void {
    const alien = table === 0 ? 0 : this.at(table, nid);
    if (alien === 0) return;
    const { memory } = this;
    const flags = memory.irqSave();
    const avail = memory.readOnce(alien + AlienCache.ac + ArrayCache.avail);
    if (avail !== 0 && spinTrylock(memory, alien + AlienCache.lock)) {
      this.drainLocked(s, alien, nid, flags);
    } else {
      memory.irqRestore(flags);
    }
  }

  private drainLocked(s: KmemCachePtr, alien: AlienCachePtr, nid: number, flags: boolean): void {
    const slabsToFree = this.sendHome(s, alien + AlienCache.ac, nid);
    spinUnlock(this.memory, alien + AlienCache.lock);
    this.memory.irqRestore(flags);
    this.slabPages.destroyAll(s, slabsToFree);
  }
}
