// SPDX-License-Identifier: GPL-2.0-only
/** The ground of every part of SLAB: the machine, the pages, and a few words about one cache. */
import type { SlabCommon } from "../caches/slab-common.ts";
import type { Machine } from "../machine/machine.ts";
import type { Memory } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { Pages } from "../pages/pages.ts";
import {
  type ArrayCachePtr,
  COUNTERS,
  KmemCache,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "./structs.ts";

export class SlabContext {
  declare readonly machine: Machine;
  declare readonly memory: Memory;
  declare readonly pages: Pages;
  declare readonly common: SlabCommon;
  declare readonly nodes: number;

  constructor(common: SlabCommon) {
    this.common = common;
    this.machine = common.machine;
    this.memory = common.machine.memory;
    this.pages = common.pages;
    this.nodes = common.machine.options.nodes;
  }

  /**
   * Counts an event on this CPU. Interrupts are off, or slab_mutex is held: a task that tunes the
   * cache may free the CPU's block otherwise, between the two steps.
   */
  stat(s: KmemCachePtr, item: number, n = 1): void {
    const { memory } = this;
    memory.thisCpuAdd(memory.readOnce(s + KmemCache.cpuSlab) + COUNTERS + (item << 2), n);
  }

  /** get_node */
  nodeOf(s: KmemCachePtr, nid: number): KmemCacheNodePtr {
    return this.memory.read32(s + KmemCache.node + (nid << 2));
  }

  nodeOfPage(s: KmemCachePtr, page: PagePtr): KmemCacheNodePtr {
    return this.nodeOf(s, this.pages.pageToNid(page));
  }

  /** numa_mem_id(): the node of this CPU. Interrupts are off. */
  localNode(): number {
    return this.machine.topology.cpuToNode(this.memory.smpProcessorId());
  }

  /**
   * cpu_cache_get: this CPU's array. Interrupts are off; the pointer is stale as soon as they were
   * on, since the task may have moved and the arrays may have been exchanged (tuning.ts).
   */
  cpuArray(s: KmemCachePtr): ArrayCachePtr {
    return this.memory.thisCpuPtr(this.memory.readOnce(s + KmemCache.cpuSlab));
  }
}
