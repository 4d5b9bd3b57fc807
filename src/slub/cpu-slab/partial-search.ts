// SPDX-License-Identifier: GPL-2.0-only
/**
 * get_partial: slabs with free objects from the node lists, instead of a new slab. The first goes to
 * the CPU as its slab, a few more to its partial list, so that the lock is not needed again soon.
 */

import type { Address, Memory } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_THISNODE } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { freeOf, objectsOf, withFrozen, withInuse } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { NodePartial } from "../node-partial.ts";
import type { ObjectDebugging } from "../object-debugging.ts";
import type { PageSwap } from "../page-swap.ts";
import type { SlubContext } from "../slub-context.ts";
import { ALLOC_FROM_PARTIAL, CPU_PARTIAL_NODE } from "../statistics.ts";
import {
  KmemCache,
  type KmemCacheCpuPtr,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../structs.ts";
import type { CpuPartial } from "./cpu-partial.ts";
import type { CpuSlab } from "./cpu-slab.ts";

export interface PartialSearchParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly pageSwap: PageSwap;
  readonly nodePartial: NodePartial;
  readonly debugging: ObjectDebugging;
  readonly cpuSlab: CpuSlab;
  readonly cpuPartial: CpuPartial;
}

/** What acquire_slab got: the head of the slab's free objects (0: nothing), and how many they are. */
export interface Acquired {
  readonly freelist: Address;
  readonly objects: number;
}

const NOT_ACQUIRED: Acquired = { freelist: 0, objects: 0 };

export class PartialSearch {
  declare protected readonly parts: PartialSearchParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: PartialSearchParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /**
   * get_partial: the free objects of a slab that is now c->page, or 0. With a node given, that node
   * alone is tried; otherwise the near node, then sometimes the others. Interrupts are off.
   */
  getPartial(s: KmemCachePtr, gfp: number, node: number, c: KmemCacheCpuPtr): Address {
    const { topology } = this.context.machine;
    const near = node === NUMA_NO_NODE ? topology.cpuToNode(this.memory.smpProcessorId()) : node;
    const n = this.context.nodeOf(s, near) || this.nodeWithMemory(s, near);
    const found = this.getPartialNode(s, n, c, gfp);
    if (found !== 0 || node !== NUMA_NO_NODE) return found;
    return this.getAnyPartial(s, gfp, c);
  }

  /** For a CPU whose node never had memory: the nearest node that has (numa_mem_id). */
  private nodeWithMemory(s: KmemCachePtr, nid: number): KmemCacheNodePtr {
    return this.context.nodeOf(s, this.context.pages.memoryNode(nid));
  }

  /** get_partial_node */
  protected getPartialNode(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    c: KmemCacheCpuPtr,
    gfp: number,
  ): Address {
    const { memory } = this;
    const { nodePartial, cpuSlab, cpuPartial } = this.parts;
    // Without the lock: at worst a slab is missed, and a new one made.
    if (n === 0 || nodePartial.nrPartial(n) === 0) return 0;
    let object: Address = 0;
    let available = 0;
    nodePartial.lock(n);
    for (let page = nodePartial.first(n, gfp); page !== 0; ) {
      const next = nodePartial.next(n, page, gfp);
      const acquired =
        object === 0 ? this.acquireObjects(s, n, page) : this.acquireSlab(s, n, page);
      if (acquired.freelist === 0) {
        page = this.afterLostRace(next);
        continue;
      }
      available += acquired.objects;
      if (object === 0) {
        cpuSlab.install(c, page);
        this.context.stat(s, ALLOC_FROM_PARTIAL);
        object = acquired.freelist;
      } else {
        cpuPartial.putLocked(s, page);
        this.context.stat(s, CPU_PARTIAL_NODE);
      }
      const enough = memory.readOnce(s + KmemCache.cpuPartial) >> 1;
      if (!this.context.hasCpuPartial(s) || available > enough) break;
      page = next;
    }
    nodePartial.unlock(n);
    return object;
  }

  /** A free came in between: better a new slab than a hot fight for this list (9b1ea29bc0d7). */
  protected afterLostRace(_next: PagePtr): PagePtr {
    return 0;
  }

  /**
   * acquire_slab for the cpu slab: freezes a listed slab for this CPU, takes all its free objects, and
   * takes it off the list. Nothing is acquired if a remote free came between reading and swapping.
   * Needs list_lock.
   */
  protected acquireObjects(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): Acquired {
    const freelist = this.memory.readOnce(page + Page.freelist);
    const counters = this.memory.readOnce(page + Page.counters);
    const taken = withFrozen(withInuse(counters, objectsOf(counters)), true);
    if (!this.parts.pageSwap.swap(s, page, freelist, counters, 0, taken)) return NOT_ACQUIRED;
    this.parts.nodePartial.remove(n, page);
    return { freelist, objects: freeOf(counters) };
  }

  /** acquire_slab for the cpu partial list: the same, but its free objects stay on the slab. */
  protected acquireSlab(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): Acquired {
    const freelist = this.memory.readOnce(page + Page.freelist);
    const counters = this.memory.readOnce(page + Page.counters);
    const frozen = withFrozen(counters, true);
    if (!this.parts.pageSwap.swap(s, page, freelist, counters, freelist, frozen)) {
      return NOT_ACQUIRED;
    }
    this.parts.nodePartial.remove(n, page);
    return { freelist, objects: freeOf(counters) };
  }

  /**
   * get_any_partial: looks at other nodes, nearest first, with a chance of remoteNodeDefragRatio in
   * 1024, and only where more slabs lie than the node wants to keep.
   */
  protected getAnyPartial(s: KmemCachePtr, gfp: number, c: KmemCacheCpuPtr): Address {
    const { memory } = this;
    const ratio = memory.readOnce(s + KmemCache.remoteNodeDefragRatio);
    if (ratio === 0 || (memory.getCycles() >>> 0) % 1024 > ratio) return 0;
    return (gfp & __GFP_THISNODE) !== 0 ? 0 : this.searchNodes(s, gfp, c);
  }

  protected searchNodes(s: KmemCachePtr, gfp: number, c: KmemCacheCpuPtr): Address {
    const { memory } = this;
    const { nodePartial } = this.parts;
    for (const nid of this.nodesInOrder()) {
      const n = this.context.nodeOf(s, nid);
      if (n === 0 || nodePartial.nrPartial(n) <= memory.readOnce(s + KmemCache.minPartial))
        continue;
      const object = this.getPartialNode(s, n, c, gfp);
      if (object !== 0) return object;
    }
    return 0;
  }

  /** The nodes of the zonelist, nearest first. */
  protected nodesInOrder(): Iterable<number> {
    const { topology } = this.context.machine;
    return topology.byDistance(topology.cpuToNode(this.memory.smpProcessorId()));
  }
}
