// SPDX-License-Identifier: GPL-2.0-only
/** What every part of SLUB stands on: the machine, the pages, and a few words about one cache. */
import { SLAB_DEBUG_FLAGS, SLAB_STORE_USER } from "../caches/flags.ts";
import type { SlabCommon } from "../caches/slab-common.ts";
import { type FailureClass, KernelBug } from "../machine/kernel-bug.ts";
import type { Machine } from "../machine/machine.ts";
import type { Memory } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { Pages } from "../pages/pages.ts";
import { KmemCache, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

const CACHE_CPU_STATS = KmemCache.cpuStats;
const CACHE_NODE = KmemCache.node;
const CACHE_FLAGS = KmemCache.flags;

/** The events that the slab layer counts, by their numbers in the front's statistics. */
export interface LayerEvents {
  readonly orderFallback: number;
  readonly cmpxchgDoubleFail: number;
}

export class SlubContext {
  declare readonly machine: Machine;
  declare readonly memory: Memory;
  declare readonly pages: Pages;
  declare readonly common: SlabCommon;
  declare readonly events: LayerEvents;

  constructor(common: SlabCommon, events: LayerEvents) {
    this.events = events;
    this.common = common;
    this.machine = common.machine;
    this.memory = common.machine.memory;
    this.pages = common.pages;
  }

  /** The word among a CPU's counts in which an event is counted. */
  wordOf(item: number): number {
    return item;
  }

  /** stat(): counts an event on this CPU; racy, may lose counts. */
  stat(s: KmemCachePtr, item: number, n = 1): void {
    const { memory } = this;
    memory.thisCpuAdd(memory.read32(s + CACHE_CPU_STATS) + (item << 2), n);
  }

  /** BUG_ON where locks are held: the machine cannot go on, and every wait ends with this panic. */
  panic(failure: FailureClass, message: string): never {
    this.machine.panic();
    throw new KernelBug(failure, message);
  }

  /** get_node */
  nodeOf(s: KmemCachePtr, nid: number): KmemCacheNodePtr {
    return this.memory.read32(s + CACHE_NODE + (nid << 2));
  }

  nodeOfPage(s: KmemCachePtr, page: PagePtr): KmemCacheNodePtr {
    return this.nodeOf(s, this.pages.pageToNid(page));
  }

  /** kmem_cache_debug: some debugging is on, so objects go through the slow paths one by one. */
  isDebug(s: KmemCachePtr): boolean {
    return (this.memory.read32(s + CACHE_FLAGS) & SLAB_DEBUG_FLAGS) !== 0;
  }

  /** kmem_cache_has_cpu_partial */
  hasCpuPartial(s: KmemCachePtr): boolean {
    return !this.isDebug(s);
  }

  /** Full slabs are kept on a list only where every object's user is tracked. */
  keepsFullList(s: KmemCachePtr): boolean {
    return (this.memory.read32(s + CACHE_FLAGS) & SLAB_STORE_USER) !== 0;
  }
}
