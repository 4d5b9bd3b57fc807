// SPDX-License-Identifier: GPL-2.0-only
/**
 * The life of a cache: opened (kmem_cache_open), shrunk, closed (kmem_cache_close). All under
 * slab_mutex; no user has the cache before open returns, nor after close began.
 */
import type { SheafArgs } from "../caches/allocator.ts";
import { EINVAL } from "../caches/errno.ts";
import {
  SLAB_KASAN,
  SLAB_POISON,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
  SLAB_TYPESAFE_BY_RCU,
} from "../caches/flags.ts";
import { SLAB_STATE } from "../caches/kmem-cache.ts";
import { listMove } from "../machine/list.ts";
import type { Memory } from "../machine/memory.ts";
import { GFP_KERNEL } from "../pages/gfp.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { Bootstrap } from "./bootstrap.ts";
import { freeOf, inuseOf, objectsOf } from "./counters.ts";
import type { FastPaths, Front } from "./front.ts";
import { type SlubGeometry, slubGeometry } from "./geometry.ts";
import type { NodePartial } from "./node-partial.ts";
import type { ObjectDebugging } from "./object-debugging.ts";
import { writeSizes } from "./resize.ts";
import type { SlabPages } from "./slab-pages.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

/** How many of the fullest slabs shrink sorts to the front, by their number of free objects. */
const SHRINK_PROMOTE_MAX = 32;
/** sysfs shows a tenth of it, in percent. */
const REMOTE_NODE_DEFRAG_RATIO = 1000;

export interface CacheLifetimeParts extends FastPaths {
  readonly context: SlubContext;
  readonly nodePartial: NodePartial;
  readonly debugging: ObjectDebugging;
  readonly slabPages: SlabPages;
  readonly bootstrap: Bootstrap;
  readonly front: Front;
}

export class CacheLifetime {
  declare protected readonly parts: CacheLifetimeParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: CacheLifetimeParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** kmem_cache_open: 0; or -EINVAL for any failure, and nothing is left behind. */
  open(s: KmemCachePtr, flags: number, args: SheafArgs = {}): number {
    const geometry = this.geometryOf(s, flags, args);
    if (geometry === undefined) return this.refuseGeometry(s, args);
    this.setGeometry(s, geometry);
    this.memory.write32(s + KmemCache.remoteNodeDefragRatio, REMOTE_NODE_DEFRAG_RATIO);
    if (!this.initNodes(s)) return -EINVAL;
    if (!this.parts.front.openCpus(s)) {
      this.freeNodes(s);
      return -EINVAL;
    }
    return 0;
  }

  /** The kernel says no more than -EINVAL. */
  private refuseGeometry(s: KmemCachePtr, { freeptrOffset }: SheafArgs): number {
    if (freeptrOffset === undefined) return -EINVAL;
    const { common, machine } = this.context;
    machine.console.printk(
      `kmem_cache_create(${common.nameOf(s)}): no free pointer may lie at ${freeptrOffset}: a word inside of the object, and SLAB_TYPESAFE_BY_RCU or, since 7.0, a constructor`,
    );
    return -EINVAL;
  }

  private geometryOf(s: KmemCachePtr, flags: number, args: SheafArgs): SlubGeometry | undefined {
    const { memory } = this;
    const { cpus } = this.context.machine.options;
    const { kernel, parameters, config } = this.context.common;
    return slubGeometry({ kernel, cpus, presentCpus: cpus, config }, parameters, {
      name: this.context.common.nameOf(s),
      size: memory.read32(s + KmemCache.objectSize),
      align: memory.read32(s + KmemCache.align),
      flags,
      ctor: memory.read32(s + KmemCache.ctor) !== 0,
      ...args,
    });
  }

  protected setGeometry(s: KmemCachePtr, geometry: SlubGeometry): void {
    const { memory } = this;
    memory.write32(s + KmemCache.align, geometry.align);
    memory.write32(s + KmemCache.reserved, geometry.reserved);
    memory.write32(s + KmemCache.minPartial, geometry.minPartial);
    writeSizes(memory, s, geometry);
    this.setCpuPartial(s, geometry.cpuPartial);
  }

  /** How many objects a cpu partial list may hold. */
  setCpuPartial(s: KmemCachePtr, objects: number): void {
    this.memory.writeOnce(s + KmemCache.cpuPartial, objects);
  }

  /** init_kmem_cache_nodes. Undoes itself where memory runs out. */
  private initNodes(s: KmemCachePtr): boolean {
    const { common, machine } = this.context;
    for (let nid = 0; nid < machine.options.nodes; nid++) {
      if (!this.context.pages.hasMemory(nid)) continue;
      if (common.state === SLAB_STATE.DOWN) {
        this.parts.bootstrap.earlyKmemCacheNodeAlloc(nid);
        continue;
      }
      const n = this.parts.slabAllocNode(this.parts.bootstrap.kmemCacheNode, GFP_KERNEL, nid);
      if (n === 0) {
        this.freeNodes(s);
        return false;
      }
      this.parts.nodePartial.init(n);
      this.memory.write32(s + KmemCache.node + (nid << 2), n);
    }
    return true;
  }

  /** free_kmem_cache_nodes */
  private freeNodes(s: KmemCachePtr): void {
    for (let nid = 0; nid < this.context.machine.options.nodes; nid++) {
      const n = this.context.nodeOf(s, nid);
      this.memory.write32(s + KmemCache.node + (nid << 2), 0);
      if (n === 0) continue;
      const page = this.context.pages.virtToHeadPage(n);
      this.parts.slabFree(this.parts.bootstrap.kmemCacheNode, page, n);
    }
  }

  /**
   * __kmem_cache_shrink: empty slabs go back, the others are sorted so that the fullest are used
   * first. Non-zero if slabs remain.
   */
  shrink(s: KmemCachePtr): number {
    this.giveBackAll(s);
    let remain = 0;
    for (let nid = 0; nid < this.context.machine.options.nodes; nid++) {
      const n = this.context.nodeOf(s, nid);
      if (n === 0) continue;
      this.giveBackOfNode(s, nid);
      this.shrinkNode(s, n);
      if (this.memory.loadAcquire(n + KmemCacheNode.nrSlabs) !== 0) remain = 1;
    }
    return remain;
  }

  /** As the kernel does with the cache of a dead memory group: from now on it keeps no empty slab. */
  deactivate(s: KmemCachePtr): void {
    this.setCpuPartial(s, 0);
    this.memory.writeOnce(s + KmemCache.minPartial, 0);
    this.waitForPushes();
    this.shrink(s);
  }

  /**
   * kick_all_cpus_sync: a CPU that has pushed a slab and has then seen the old limit has made the push
   * visible when this returns, so the flush that follows finds it.
   */
  protected waitForPushes(): void {
    this.context.machine.calls.kickAllCpusSync();
  }

  /** What the front keeps of the cache goes to the lists of the nodes. */
  protected giveBackAll(s: KmemCachePtr): void {
    this.parts.front.flushAll(s);
  }

  /** What the front keeps for a node goes to the lists. */
  protected giveBackOfNode(_s: KmemCachePtr, _nid: number): void {}

  private shrinkNode(s: KmemCachePtr, n: KmemCacheNodePtr): void {
    const { memory } = this;
    const { nodePartial } = this.parts;
    const empty: PagePtr[] = [];
    const promote: PagePtr[][] = Array.from({ length: SHRINK_PROMOTE_MAX }, () => []);
    const flags = nodePartial.lockIrqsave(n);
    for (let page = nodePartial.first(n); page !== 0; ) {
      const next = nodePartial.next(n, page);
      // Read once: a free at the same time can only raise it.
      const counters = memory.readOnce(page + Page.counters);
      const free = freeOf(counters);
      if (free <= 0) this.context.panic("wrong-slab", `full slab ${page} on a partial list`);
      if (free === objectsOf(counters)) {
        this.takeOff(s, n, page);
        empty.push(page);
      } else if (free <= SHRINK_PROMOTE_MAX) {
        promote[free - 1]?.push(page);
      }
      page = next;
    }
    for (const pages of promote.reverse()) {
      for (const page of pages) listMove(memory, page + Page.lru, n + KmemCacheNode.partial);
    }
    nodePartial.unlockIrqrestore(n, flags);
    for (const page of empty.reverse()) this.giveBack(s, page);
  }

  /** Shrinking takes an empty slab off its list, with list_lock, and gives it back without. */
  protected takeOff(_s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): void {
    this.parts.nodePartial.remove(n, page);
  }

  protected giveBack(s: KmemCachePtr, page: PagePtr): void {
    this.parts.slabPages.discard(s, page);
  }

  /** kmem_cache_close: false if objects remain; then the cache stays usable. */
  close(s: KmemCachePtr): boolean {
    this.giveBackAll(s);
    let closed = true;
    for (let nid = 0; nid < this.context.machine.options.nodes; nid++) {
      const n = this.context.nodeOf(s, nid);
      if (n === 0) continue;
      this.freePartial(s, n);
      // nr_slabs counts full slabs as well, which are on no list.
      if (
        this.parts.nodePartial.nrPartial(n) !== 0 ||
        this.memory.loadAcquire(n + KmemCacheNode.nrSlabs) !== 0
      ) {
        closed = false;
      }
    }
    return closed;
  }

  /** free_partial: gives the empty slabs back and names the objects in the others. */
  protected freePartial(s: KmemCachePtr, n: KmemCacheNodePtr): void {
    const { nodePartial } = this.parts;
    const empty: PagePtr[] = [];
    const flags = nodePartial.lockIrqsave(n);
    for (let page = nodePartial.first(n); page !== 0; ) {
      const next = nodePartial.next(n, page);
      if (inuseOf(this.memory.readOnce(page + Page.counters)) === 0) {
        nodePartial.remove(n, page);
        empty.push(page);
      } else {
        this.parts.debugging.listRemaining(s, page);
      }
      page = next;
    }
    for (const page of nodePartial.fullSlabs(s, n)) this.parts.debugging.listRemaining(s, page);
    nodePartial.unlockIrqrestore(n, flags);
    for (const page of empty) this.parts.slabPages.discard(s, page);
  }

  /** Frees what open made; the struct itself is the caller's. */
  release(s: KmemCachePtr): void {
    this.parts.front.closeCpus(s);
    this.freeNodes(s);
  }

  /**
   * ksize: how many bytes of an object its user may use. A free pointer that has a place of its own,
   * behind an object with a constructor, is never among them; a kernel would count it there.
   */
  ksize(s: KmemCachePtr): number {
    const { memory } = this;
    const flags = memory.read32(s + KmemCache.flags);
    if ((flags & (SLAB_RED_ZONE | SLAB_POISON | SLAB_KASAN)) !== 0) {
      return memory.read32(s + KmemCache.objectSize);
    }
    const inuse = memory.read32(s + KmemCache.inuse);
    const isFollowed = (flags & (SLAB_TYPESAFE_BY_RCU | SLAB_STORE_USER)) !== 0;
    if (isFollowed || memory.read32(s + KmemCache.offset) >= inuse) return inuse;
    return memory.read32(s + KmemCache.size);
  }
}
