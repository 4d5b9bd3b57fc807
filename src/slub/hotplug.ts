/**
 * CPUs and nodes that come and go (slab_cpuup_callback, slab_memory_callback). An absent CPU runs
 * nothing, so another may flush its slabs; no slab may stay frozen for it, since nobody would ever
 * unfreeze it.
 *
 * The node struct of a node whose memory is gone is kept: 4.1 frees it while others may still look at
 * it without a lock (666716fd2fad). It is used again when the memory comes back.
 */
import { ENOMEM } from "../caches/errno.ts";
import { type HotplugSteps, slabsOfNobody } from "../caches/hotplug-steps.ts";
import type { Memory } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { GFP_KERNEL } from "../pages/gfp.ts";
import type { Slub } from "./cpu-slab/slub.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, KmemCacheNode } from "./structs.ts";

export class Hotplug implements HotplugSteps {
  declare protected readonly slub: Slub;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(slub: Slub) {
    this.slub = slub;
    this.context = slub.context;
    this.memory = slub.context.memory;
  }

  /** Its struct kmem_cache_cpu have been there from the start. */
  prepareCpu(): number {
    return 0;
  }

  onlineCpu(): void {}

  offlineCpu(): void {}

  /** CPU_DEAD: __flush_cpu_slab for every cache. */
  deadCpu(cpu: number): void {
    const { memory } = this;
    this.context.common.withCaches((s) => {
      const flags = memory.irqSave();
      const c = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu);
      this.slub.deactivation.flushCpu(s, c);
      memory.irqRestore(flags);
    });
  }

  /** slab_mem_going_online_callback: the structs come from other nodes, this one has no pages yet. */
  nodeGoingOnline(nid: number): number {
    const { memory } = this;
    const made = this.context.common.withCaches((s) => {
      if (this.context.nodeOf(s, nid) !== 0) return true;
      const cache = this.slub.bootstrap.kmemCacheNode;
      const n = this.slub.slabAllocNode(cache, GFP_KERNEL, NUMA_NO_NODE);
      if (n === 0) return false;
      this.slub.nodePartial.init(n);
      // Release: whoever finds the struct finds it initialised.
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

  /** slab_mem_going_offline_callback: whether that suffices is seen by who takes the pages. */
  nodeGoingOffline(): number {
    this.context.common.withCaches((s) => this.slub.shrink(s));
    return 0;
  }
}
