// SPDX-License-Identifier: GPL-2.0-only
/**
 * CPUs and nodes that come and go (slab_cpuup_callback, slab_memory_callback). An absent CPU runs
 * nothing, so another CPU may give back what it kept. All of it must go back: no context would ever
 * find it there again.
 *
 * The node struct of a node whose memory is gone is kept: 4.1 frees it while other CPUs may still
 * read it without a lock (666716fd2fad). It is used again when the memory comes back.
 */
import { ENOMEM } from "../caches/errno.ts";
import { type HotplugSteps, slabsOfNobody } from "../caches/hotplug-steps.ts";
import type { Memory } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { GFP_KERNEL } from "../pages/gfp.ts";
import type { Bootstrap } from "./bootstrap.ts";
import type { CacheLifetime } from "./cache-lifetime.ts";
import type { FastPaths, Front } from "./front.ts";
import type { NodePartial } from "./node-partial.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, KmemCacheNode } from "./structs.ts";

export interface HotplugParts extends FastPaths {
  readonly context: SlubContext;
  readonly nodePartial: NodePartial;
  readonly lifetime: CacheLifetime;
  readonly bootstrap: Bootstrap;
  readonly front: Front;
}

export class Hotplug implements HotplugSteps {
  declare protected readonly parts: HotplugParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: HotplugParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /** Its struct kmem_cache_cpu have been there from the start. */
  prepareCpu(): number {
    return 0;
  }

  onlineCpu(): void {}

  offlineCpu(): void {}

  /** CPU_DEAD: what it kept of every cache goes back. */
  deadCpu(cpu: number): void {
    const { memory } = this;
    this.context.common.withCaches((s) => {
      const flags = memory.irqSave();
      this.parts.front.flushDeadCpu(s, cpu);
      memory.irqRestore(flags);
    });
  }

  /** slab_mem_going_online_callback: the structs come from other nodes, this one has no pages yet. */
  nodeGoingOnline(nid: number): number {
    const { memory } = this;
    const { bootstrap, nodePartial } = this.parts;
    const made = this.context.common.withCaches((s) => {
      if (this.context.nodeOf(s, nid) !== 0) return true;
      const n = this.parts.slabAllocNode(bootstrap.kmemCacheNode, GFP_KERNEL, NUMA_NO_NODE);
      if (n === 0) return false;
      nodePartial.init(n);
      // Release: a reader that finds the struct finds it initialised.
      memory.storeRelease(s + KmemCache.node + (nid << 2), n);
      return true;
    });
    return made.includes(false) ? -ENOMEM : 0;
  }

  /** slab_mem_offline_callback */
  nodeGone(nid: number): void {
    const { common } = this.context;
    const left = common.withCaches((s) => {
      const n = this.context.nodeOf(s, nid);
      return n !== 0 && this.memory.loadAcquire(n + KmemCacheNode.nrSlabs) !== 0
        ? [common.nameOf(s)]
        : [];
    });
    slabsOfNobody(nid, left.flat());
  }

  /** slab_mem_going_offline_callback. The caller that takes the pages sees whether that was enough. */
  nodeGoingOffline(): number {
    this.context.common.withCaches((s) => this.parts.lifetime.shrink(s));
    return 0;
  }
}
