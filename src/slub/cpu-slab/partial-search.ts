/**
 * get_partial: slabs with free objects from the node lists, instead of a new slab. The first goes to
 * the CPU as its slab, a few more to its partial list, so that the lock is not needed again soon.
 */

import type { Address, Memory } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_THISNODE } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { NodePartial } from "../node-partial.ts";
import type { SlubContext } from "../slub-context.ts";
import { ALLOC_FROM_PARTIAL, CPU_PARTIAL_NODE } from "../statistics.ts";
import {
  KmemCache,
  KmemCacheCpu,
  type KmemCacheCpuPtr,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../structs.ts";
import type { CpuPartial } from "./cpu-partial.ts";

const CPU_PAGE = KmemCacheCpu.page;
const CACHE_CPU_PARTIAL = KmemCache.cpuPartial;
const CACHE_REMOTE_NODE_DEFRAG_RATIO = KmemCache.remoteNodeDefragRatio;
const CACHE_MIN_PARTIAL = KmemCache.minPartial;

export class PartialSearch {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare protected readonly nodePartial: NodePartial;
  declare protected readonly cpuPartial: CpuPartial;

  constructor(context: SlubContext, nodePartial: NodePartial, cpuPartial: CpuPartial) {
    this.context = context;
    this.memory = context.memory;
    this.nodePartial = nodePartial;
    this.cpuPartial = cpuPartial;
  }

  /**
   * get_partial: the free objects of a slab that is now c->page, or 0. An explicit node is tried
   * alone; without one the near node first, then sometimes the others. Interrupts are off.
   */
  getPartial(s: KmemCachePtr, gfp: number, node: number, c: KmemCacheCpuPtr): Address {
    const { topology } = this.context.machine;
    const near = node === NUMA_NO_NODE ? topology.cpuToNode(this.memory.smpProcessorId()) : node;
    const n = this.context.nodeOf(s, near) || this.nodeWithMemory(s, near);
    const found = this.getPartialNode(s, n, c);
    if (found !== 0 || node !== NUMA_NO_NODE) return found;
    return this.getAnyPartial(s, gfp, c);
  }

  /** The node of this CPU has never had memory: the nearest that has (numa_mem_id). */
  private nodeWithMemory(s: KmemCachePtr, nid: number): KmemCacheNodePtr {
    return this.context.nodeOf(s, this.context.pages.memoryNode(nid));
  }

  /** get_partial_node */
  protected getPartialNode(s: KmemCachePtr, n: KmemCacheNodePtr, c: KmemCacheCpuPtr): Address {
    const { memory, nodePartial } = this;
    // Without the lock: at worst a slab is missed, and a new one made.
    if (n === 0 || nodePartial.nrPartial(n) === 0) return 0;
    let object: Address = 0;
    let available = 0;
    nodePartial.lock(n);
    for (let page = nodePartial.first(n); page !== 0; ) {
      const next = nodePartial.next(n, page);
      const acquired = nodePartial.acquire(s, n, page, object === 0);
      if (acquired.freelist === 0) {
        page = this.afterLostRace(next);
        continue;
      }
      available += acquired.objects;
      if (object === 0) {
        memory.writeOnce(c + CPU_PAGE, page);
        this.context.stat(s, ALLOC_FROM_PARTIAL);
        object = acquired.freelist;
      } else {
        this.cpuPartial.put(s, page, false);
        this.context.stat(s, CPU_PARTIAL_NODE);
      }
      const enough = memory.readOnce(s + CACHE_CPU_PARTIAL) >> 1;
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
   * get_any_partial: looks at other nodes, nearest first, with a chance of remoteNodeDefragRatio in
   * 1024, and only where more slabs lie than the node wants to keep.
   */
  protected getAnyPartial(s: KmemCachePtr, gfp: number, c: KmemCacheCpuPtr): Address {
    const { memory, nodePartial } = this;
    const { topology } = this.context.machine;
    const ratio = memory.readOnce(s + CACHE_REMOTE_NODE_DEFRAG_RATIO);
    if (ratio === 0 || (memory.getCycles() >>> 0) % 1024 > ratio) return 0;
    if ((gfp & __GFP_THISNODE) !== 0) return 0;
    for (const nid of topology.byDistance(topology.cpuToNode(memory.smpProcessorId()))) {
      const n = this.context.nodeOf(s, nid);
      if (n === 0 || nodePartial.nrPartial(n) <= memory.readOnce(s + CACHE_MIN_PARTIAL)) continue;
      const object = this.getPartialNode(s, n, c);
      if (object !== 0) return object;
    }
    return 0;
  }
}
