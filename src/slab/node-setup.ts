// SPDX-License-Identifier: GPL-2.0-only
/**
 * A cache's share of every node: the node struct, the shared array, the alien caches. Made when the
 * cache is, and again whenever its queues are resized; by 4.1 (alloc_kmem_cache_node) in one go. A
 * node that gets CPUs or memory only gets what it lacks, in the form of 5.10.
 * Under slab_mutex.
 */

import { KmemCacheBase } from "../caches/kmem-cache.ts";
import type { Address, Memory } from "../machine/memory.ts";
import type { AlienCaches } from "./alien.ts";
import { BATCHCOUNT_UNUSED, initArray } from "./array-cache.ts";
import type { Clock } from "./clock.ts";
import type { FreeBlock } from "./free-block.ts";
import { freeLimit } from "./geometry.ts";
import type { NodeLists } from "./node-lists.ts";
import type { SlabContext } from "./slab-context.ts";
import type { SlabPages } from "./slab-pages.ts";
import type { Storage } from "./storage.ts";
import {
  type ArrayCachePtr,
  arrayCacheBytes,
  KmemCache,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
  kmemCacheNodeBytes,
} from "./structs.ts";

/** The queues a node is to get; 0 where the cache has none. */
export interface NodeQueues {
  readonly shared: ArrayCachePtr;
  readonly alien: Address;
}

/** The parts of a SLAB that it uses. */
export interface NodeSetupParts {
  readonly context: SlabContext;
  readonly storage: Storage;
  readonly lists: NodeLists;
  readonly freeBlock: FreeBlock;
  readonly aliens: AlienCaches;
  readonly slabPages: SlabPages;
  readonly clock: Clock;
}

export class NodeSetup {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare readonly storage: Storage;
  declare protected readonly lists: NodeLists;
  declare protected readonly freeBlock: FreeBlock;
  declare protected readonly aliens: AlienCaches;
  declare protected readonly slabPages: SlabPages;
  declare protected readonly clock: Clock;

  constructor(parts: NodeSetupParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.storage = parts.storage;
    this.lists = parts.lists;
    this.freeBlock = parts.freeBlock;
    this.aliens = parts.aliens;
    this.slabPages = parts.slabPages;
    this.clock = parts.clock;
  }

  /** Sets all nodes up. Without memory: false, and a cache that is not listed yet has no node. */
  setUpAll(s: KmemCachePtr, gfp: number): boolean {
    for (let nid = 0; nid < this.context.nodes; nid++) {
      if (this.setUp(s, nid, gfp)) continue;
      if (this.memory.read32(s + KmemCacheBase.list) === 0) this.releaseAll(s);
      return false;
    }
    return true;
  }

  /** One node: false if there is no memory; then the node is as it was. */
  protected setUp(s: KmemCachePtr, nid: number, gfp: number): boolean {
    const queues = this.allocQueues(s, nid, gfp);
    if (queues === undefined) return false;
    const n = this.context.nodeOf(s, nid);
    if (n === 0) return this.addNode(s, nid, gfp, queues);
    const flags = this.lists.lockIrqsave(n);
    const old = this.memory.read32(n + KmemCacheNode.shared);
    const slabsToFree = this.emptyShared(s, n, old);
    this.memory.writeOnce(n + KmemCacheNode.shared, queues.shared);
    const unused = this.giveAlien(n, queues.alien);
    this.setFreeLimit(s, n, nid);
    this.lists.unlockIrqrestore(n, flags);
    this.slabPages.destroyAll(s, slabsToFree);
    this.context.common.kfree(old);
    this.aliens.release(unused);
    return true;
  }

  /** `existing`: what becomes of the node's shared array, if there is one. */
  setUpNode(s: KmemCachePtr, nid: number, gfp: number, existing: "keep" | "replace"): boolean {
    const { memory } = this;
    const queues = this.allocQueues(s, nid, gfp);
    if (queues === undefined) return false;
    if (!this.initNode(s, nid, gfp)) {
      this.context.common.kfree(queues.shared);
      this.aliens.release(queues.alien);
      return false;
    }
    const n = this.context.nodeOf(s, nid);
    const flags = this.lists.lockIrqsave(n);
    const old = memory.read32(n + KmemCacheNode.shared);
    const replace = old === 0 || existing === "replace";
    const slabsToFree = replace ? this.emptyShared(s, n, old) : [];
    if (replace) memory.writeOnce(n + KmemCacheNode.shared, queues.shared);
    const unused = this.giveAlien(n, queues.alien);
    this.lists.unlockIrqrestore(n, flags);
    this.slabPages.destroyAll(s, slabsToFree);
    if (replace) this.retireShared(old);
    else this.context.common.kfree(queues.shared);
    this.aliens.release(unused);
    return true;
  }

  /** init_cache_node: the node exists and has the limit that its CPUs and tunables ask for. */
  initNode(s: KmemCachePtr, nid: number, gfp: number): boolean {
    const known = this.context.nodeOf(s, nid);
    const n = known === 0 ? this.allocNode(s, nid, gfp) : known;
    if (n === 0) return false;
    const flags = this.lists.lockIrqsave(n);
    this.setFreeLimit(s, n, nid);
    this.lists.unlockIrqrestore(n, flags);
    if (known === 0) this.setNode(s, nid, n);
    return true;
  }

  /** Frees a shared array that was replaced. 4.1 looks at shared arrays under list_lock only. */
  protected retireShared(old: ArrayCachePtr): void {
    this.context.common.kfree(old);
  }

  /** The queues that the cache's tunables ask for, or undefined and nothing is held. */
  protected allocQueues(s: KmemCachePtr, nid: number, gfp: number): NodeQueues | undefined {
    const { memory } = this;
    let alien = 0;
    if (this.aliens.inUse) {
      alien = this.aliens.alloc(nid, memory.read32(s + KmemCache.limit), gfp);
      if (alien === 0) return undefined;
    }
    const batches = memory.read32(s + KmemCache.shared);
    if (batches === 0) return { shared: 0, alien };
    const limit = batches * memory.read32(s + KmemCache.batchcount);
    const shared = this.storage.kmallocNode(arrayCacheBytes(limit), gfp, nid);
    if (shared === 0) {
      this.aliens.release(alien);
      return undefined;
    }
    initArray(memory, shared, limit, BATCHCOUNT_UNUSED);
    return { shared, alien };
  }

  private addNode(s: KmemCachePtr, nid: number, gfp: number, queues: NodeQueues): boolean {
    const n = this.allocNode(s, nid, gfp);
    if (n === 0) {
      this.context.common.kfree(queues.shared);
      this.aliens.release(queues.alien);
      return false;
    }
    this.memory.write32(n + KmemCacheNode.shared, queues.shared);
    this.memory.write32(n + KmemCacheNode.alien, queues.alien);
    this.setFreeLimit(s, n, nid);
    this.setNode(s, nid, n);
    return true;
  }

  /** A node struct without slabs and queues, not yet the cache's; 0: no memory. */
  allocNode(s: KmemCachePtr, nid: number, gfp: number): KmemCacheNodePtr {
    const bytes = kmemCacheNodeBytes(this.context.common.kernel);
    const n = this.storage.kmallocNode(bytes, gfp, nid);
    if (n !== 0) this.initStruct(s, n);
    return n;
  }

  /** A node struct, wherever it lies, gets neither slabs nor queues, and a turn to be reaped. */
  initStruct(s: KmemCachePtr, n: KmemCacheNodePtr): void {
    this.lists.init(n);
    this.memory.write32(n + KmemCacheNode.nextReap, this.clock.firstReap(s));
  }

  setNode(s: KmemCachePtr, nid: number, n: KmemCacheNodePtr): void {
    this.memory.writeOnce(s + KmemCache.node + (nid << 2), n);
  }

  protected setFreeLimit(s: KmemCachePtr, n: KmemCacheNodePtr, nid: number): void {
    const { memory } = this;
    const { presence, topology } = this.context.machine;
    const cpus = topology.cpusOfNode(nid).filter((cpu) => presence.isOnline(cpu)).length;
    // Marked: the reaper reads it without list_lock.
    memory.writeOnce(
      n + KmemCacheNode.freeLimit,
      freeLimit(cpus, memory.read32(s + KmemCache.batchcount), memory.read32(s + KmemCache.num)),
    );
  }

  /** All of a shared array's objects go home; list_lock is held. */
  protected emptyShared(s: KmemCachePtr, n: KmemCacheNodePtr, shared: ArrayCachePtr): number[] {
    return shared === 0 ? [] : this.freeBlock.empty(s, n, shared);
  }

  /** A node keeps the alien caches it has; returns those that were not needed. */
  protected giveAlien(n: KmemCacheNodePtr, alien: Address): Address {
    if (this.memory.read32(n + KmemCacheNode.alien) !== 0) return alien;
    this.memory.writeOnce(n + KmemCacheNode.alien, alien);
    return 0;
  }

  /** Takes all nodes away. They hold no slab. */
  releaseAll(s: KmemCachePtr): void {
    for (let nid = 0; nid < this.context.nodes; nid++) {
      const n = this.context.nodeOf(s, nid);
      if (n === 0) continue;
      this.context.common.kfree(this.memory.read32(n + KmemCacheNode.shared));
      this.aliens.release(this.memory.read32(n + KmemCacheNode.alien));
      this.context.common.kfree(n);
      this.setNode(s, nid, 0);
    }
  }
}
