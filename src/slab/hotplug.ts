// SPDX-License-Identifier: GPL-2.0-only
/**
 * CPUs and nodes that come and go, in the form of 5.10 (4.1 does the same in other words). A CPU
 * that went down runs nothing any more, so others may touch its arrays. Node structs are never
 * freed. Under slab_mutex, interrupts on.
 */
import { EBUSY, ENOMEM } from "../caches/errno.ts";
import { type DeadCpu, type HotplugSteps, slabsOfNobody } from "../caches/hotplug-steps.ts";
import type { Memory } from "../machine/memory.ts";
import { mutexLock, mutexUnlock } from "../machine/mutex.ts";
import { GFP_KERNEL } from "../pages/gfp.ts";
import type { AlienCaches } from "./alien.ts";
import type { Drain } from "./drain.ts";
import type { FreeBlock } from "./free-block.ts";
import type { NodeLists } from "./node-lists.ts";
import type { NodeSetup } from "./node-setup.ts";
import type { Reaper } from "./reaper.ts";
import type { SlabContext } from "./slab-context.ts";
import type { SlabPages } from "./slab-pages.ts";
import { KmemCache, KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface HotplugParts {
  readonly context: SlabContext;
  readonly lists: NodeLists;
  readonly freeBlock: FreeBlock;
  readonly aliens: AlienCaches;
  readonly slabPages: SlabPages;
  readonly nodeSetup: NodeSetup;
  readonly drain: Drain;
  readonly reaper: Reaper;
}

/** A CPU that leaves, or that never came because memory ran out. */
interface Leaving extends DeadCpu {
  readonly cpu: number;
  /** The limits of free objects count the CPU. */
  readonly wasOnline: boolean;
}

export class Hotplug implements HotplugSteps {
  declare protected readonly parts: HotplugParts;
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;

  constructor(parts: HotplugParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /**
   * slab_prepare_cpu: its node gets the queues that it lacks. 0, or -ENOMEM and they are taken
   * back.
   */
  prepareCpu(cpu: number): number {
    const { presence, topology } = this.context.machine;
    const nid = topology.cpuToNode(cpu);
    const error = this.forAll((s) =>
      this.parts.nodeSetup.setUpNode(s, nid, GFP_KERNEL, "keep") ? 0 : -ENOMEM,
    );
    if (error !== 0) {
      const lastOfNode = !topology.cpusOfNode(nid).some((other) => presence.isOnline(other));
      // Limits of free objects count the CPUs that are online, and this one never was.
      this.allHome({ cpu, lastOfNode, wasOnline: false });
    }
    return error;
  }

  /** slab_online_cpu */
  onlineCpu(cpu: number): void {
    this.parts.reaper.start(cpu);
  }

  /** slab_offline_cpu */
  offlineCpu(cpu: number): void {
    this.parts.reaper.stop(cpu);
  }

  /**
   * slab_dead_cpu: the objects that the CPU held go home; with the last CPU of a node its shared
   * array and alien caches go as well.
   */
  deadCpu(cpu: number, { lastOfNode }: DeadCpu): void {
    this.allHome({ cpu, lastOfNode, wasOnline: true });
  }

  private allHome(leaving: Leaving): void {
    const nid = this.context.machine.topology.cpuToNode(leaving.cpu);
    this.forAll((s) => {
      const n = this.context.nodeOf(s, nid);
      if (n !== 0) this.takeHome(s, n, leaving);
      return 0;
    });
    this.forAll((s) => {
      const n = this.context.nodeOf(s, nid);
      if (n !== 0) this.parts.drain.drainFreelist(s, n, Number.POSITIVE_INFINITY);
      return 0;
    });
  }

  /** cpuup_canceled, for one cache */
  private takeHome(s: KmemCachePtr, n: KmemCacheNodePtr, leaving: Leaving): void {
    const { memory } = this;
    const { cpu, lastOfNode, wasOnline } = leaving;
    const { aliens, freeBlock, lists, slabPages } = this.parts;
    const ac = memory.perCpuPtr(memory.readOnce(s + KmemCache.cpuSlab), cpu);
    const flags = lists.lockIrqsave(n);
    const lowered = wasOnline ? memory.read32(s + KmemCache.batchcount) : 0;
    lists.addCount(n, KmemCacheNode.freeLimit, -lowered);
    const slabsToFree = freeBlock.empty(s, n, ac);
    let shared = 0;
    let alien = 0;
    if (lastOfNode) {
      shared = memory.read32(n + KmemCacheNode.shared);
      if (shared !== 0) slabsToFree.push(...freeBlock.empty(s, n, shared));
      memory.writeOnce(n + KmemCacheNode.shared, 0);
      alien = memory.read32(n + KmemCacheNode.alien);
      memory.writeOnce(n + KmemCacheNode.alien, 0);
    }
    lists.unlockIrqrestore(n, flags);
    this.context.common.kfree(shared);
    aliens.drainAll(s, alien);
    aliens.release(alien);
    slabPages.destroyAll(s, slabsToFree);
  }

  /** slab_memory_callback, MEM_GOING_ONLINE: every cache gets a struct for the node. */
  nodeGoingOnline(nid: number): number {
    return this.forAll((s) => (this.parts.nodeSetup.initNode(s, nid, GFP_KERNEL) ? 0 : -ENOMEM));
  }

  /** MEM_CANCEL_ONLINE, MEM_OFFLINE: the struct is kept. */
  nodeGone(nid: number): void {
    const { common } = this.context;
    const left = common.withCaches((s) => {
      const n = this.context.nodeOf(s, nid);
      return n !== 0 && this.memory.readOnce(n + KmemCacheNode.totalSlabs) !== 0
        ? [common.nameOf(s)]
        : [];
    });
    slabsOfNobody(nid, left.flat());
  }

  /** MEM_GOING_OFFLINE: empty slabs of the node go; -EBUSY if any cache has objects there. */
  nodeGoingOffline(nid: number): number {
    return this.forAll((s) => {
      const n = this.context.nodeOf(s, nid);
      if (n === 0) return 0;
      return this.parts.drain.drainNode(s, n) ? -EBUSY : 0;
    });
  }

  /** Does a step for each cache, up to the first error. */
  private forAll(step: (s: KmemCachePtr) => number): number {
    const { common } = this.context;
    mutexLock(this.memory, common.slabMutex);
    let error = 0;
    for (const s of common.caches()) {
      error = step(s);
      if (error !== 0) break;
    }
    mutexUnlock(this.memory, common.slabMutex);
    return error;
  }
}
