// SPDX-License-Identifier: GPL-2.0-only
/**
 * How many objects a cache's queues hold, at its creation (enable_cpucache) and when a line is
 * written to /proc/slabinfo. New per-CPU arrays are put in place of the old ones; when every CPU
 * has had interrupts on since, none can still be using an old one, and its objects are taken home.
 * Under slab_mutex, interrupts on.
 */
import { ENOMEM } from "../caches/errno.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { mutexLock, mutexUnlock } from "../machine/mutex.ts";
import { GFP_KERNEL } from "../pages/gfp.ts";
import { initArray } from "./array-cache.ts";
import type { FreeBlock } from "./free-block.ts";
import { queueSizes } from "./geometry.ts";
import type { NodeLists } from "./node-lists.ts";
import type { NodeSetup } from "./node-setup.ts";
import type { SlabContext } from "./slab-context.ts";
import type { SlabPages } from "./slab-pages.ts";
import { type ArrayCachePtr, COUNTERS, ENTRY, KmemCache, type KmemCachePtr } from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface TuningParts {
  readonly context: SlabContext;
  readonly lists: NodeLists;
  readonly freeBlock: FreeBlock;
  readonly slabPages: SlabPages;
  readonly nodeSetup: NodeSetup;
}

export class Tuning {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly lists: NodeLists;
  declare protected readonly freeBlock: FreeBlock;
  declare protected readonly slabPages: SlabPages;
  declare protected readonly nodeSetup: NodeSetup;

  constructor(parts: TuningParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.lists = parts.lists;
    this.freeBlock = parts.freeBlock;
    this.slabPages = parts.slabPages;
    this.nodeSetup = parts.nodeSetup;
  }

  /** alloc_kmem_cache_cpus: an empty array of `entries` for each CPU; 0: no room. */
  allocArrays(entries: number, batchcount: number): Address {
    const { memory } = this;
    const { machine } = this.context;
    const block = machine.percpu.alloc(ENTRY + 4 * entries - COUNTERS);
    if (block === 0) return 0;
    const arrays = block - COUNTERS;
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
      initArray(memory, memory.perCpuPtr(arrays, cpu), entries, batchcount);
    }
    return arrays;
  }

  freeArrays(arrays: Address): void {
    if (arrays !== 0) this.context.machine.percpu.free(arrays + COUNTERS);
  }

  /** enable_cpucache: the queues a cache of this object size gets. 0 or -ENOMEM. */
  enable(s: KmemCachePtr, gfp: number): number {
    const { limit, batchcount, shared } = this.defaults(s);
    return this.setQueues(s, limit, batchcount, shared, gfp);
  }

  protected defaults(s: KmemCachePtr): ReturnType<typeof queueSizes> {
    const size = this.memory.read32(s + KmemCache.size);
    return queueSizes(size, this.context.machine.options.cpus);
  }

  /**
   * do_tune_cpucache: at most `limit` objects a CPU, moved `batchcount` at a time, `shared` batches a
   * node. 0, or -ENOMEM; a cache in use then keeps the queues it has.
   */
  setQueues(
    s: KmemCachePtr,
    limit: number,
    batchcount: number,
    shared: number,
    gfp: number,
  ): number {
    const { memory } = this;
    const arrays = this.allocArrays(limit, batchcount);
    if (arrays === 0) return -ENOMEM;
    const old = memory.readOnce(s + KmemCache.cpuSlab);
    // Release: a CPU that sees the new arrays sees them initialised.
    memory.storeRelease(s + KmemCache.cpuSlab, arrays);
    if (old !== 0) this.waitForCpus();
    memory.write32(s + KmemCache.batchcount, batchcount);
    memory.write32(s + KmemCache.limit, limit);
    memory.write32(s + KmemCache.shared, shared);
    if (old !== 0) {
      this.takeHome(s, old, arrays);
      this.freeArrays(old);
    }
    return this.nodeSetup.setUpAll(s, gfp) ? 0 : -ENOMEM;
  }

  /** kick_all_cpus_sync: when it returns no CPU uses the arrays that were replaced. */
  protected waitForCpus(): void {
    this.context.machine.calls.kickAllCpusSync();
  }

  private takeHome(s: KmemCachePtr, old: Address, arrays: Address): void {
    const { memory } = this;
    const { options, topology } = this.context.machine;
    for (let cpu = 0; cpu < options.cpus; cpu++) {
      const ac = memory.perCpuPtr(old, cpu);
      this.addCounters(ac, memory.perCpuPtr(arrays, cpu));
      const n = this.context.nodeOf(s, topology.cpuToNode(cpu));
      const flags = this.lists.lockIrqsave(n);
      const slabsToFree = this.freeBlock.freeAll(s, n, ac);
      this.lists.unlockIrqrestore(n, flags);
      this.slabPages.destroyAll(s, slabsToFree);
    }
  }

  /** The counters beside the old array go on beside the new one. */
  private addCounters(from: ArrayCachePtr, to: ArrayCachePtr): void {
    for (let at = COUNTERS; at < 0; at += 4) {
      const counted = this.memory.readOnce(from + at);
      if (counted !== 0) this.memory.add(to + at, counted);
    }
  }

  /**
   * Other queue sizes while the cache is in use. 0 or -ENOMEM; sizes that make no sense change
   * nothing and are no error. May sleep.
   */
  tune(s: KmemCachePtr, limit: number, batchcount: number, shared: number): number {
    const { common } = this.context;
    mutexLock(this.memory, common.slabMutex);
    const error = this.tuneLocked(s, limit, batchcount, shared);
    mutexUnlock(this.memory, common.slabMutex);
    return error;
  }

  /** For callers that hold slab_mutex, as slabinfo_write does from looking the cache up. */
  tuneLocked(s: KmemCachePtr, limit: number, batchcount: number, shared: number): number {
    if (limit < 1 || batchcount < 1 || batchcount > limit || shared < 0) return 0;
    return this.setQueues(s, limit, batchcount, shared, GFP_KERNEL);
  }
}
