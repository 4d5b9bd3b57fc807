// SPDX-License-Identifier: GPL-2.0-only
/**
 * What the slab layer asks of sheaves: each possible CPU gets a main sheaf with the cache, and each
 * node a barn; a flush empties what a CPU has past the barn; all is gone with the cache.
 */

import type { Address, Memory } from "../../machine/memory.ts";
import { sizeOf } from "../../machine/struct.ts";
import { GFP_KERNEL } from "../../pages/gfp.ts";
import type { FastPaths, Front } from "../front.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import type { Barns } from "./barn.ts";
import type { SheafLock } from "./cpu-sheaves.ts";
import type { Flush } from "./flush.ts";
import type { RcuSheaves } from "./rcu-sheaves.ts";
import type { Sheaves } from "./sheaf.ts";
import { SHEAF_STAT_NAMES } from "./statistics.ts";
import { BARN_BYTES, CpuSheaves, type CpuSheavesPtr, Sheaf } from "./structs.ts";

export interface SheafFrontParts extends FastPaths {
  readonly context: SlubContext;
  readonly sheaves: Sheaves;
  readonly sheafLock: SheafLock;
  readonly barns: Barns;
  readonly flush: Flush;
  readonly rcuSheaves: RcuSheaves;
  kmallocIndexOf(size: number): number;
}

export class SheafFront implements Front {
  declare protected readonly parts: SheafFrontParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare private readonly flushPcs: number;
  /** Of no capacity: main of each CPU in a cache without sheaves, or not yet with them. */
  declare private readonly bootstrapSheaf: Address;

  constructor(parts: SheafFrontParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
    const { functions, statics } = parts.context.machine;
    this.flushPcs = functions.register((s) => this.flushThisCpu(s));
    this.bootstrapSheaf = statics.allocate(Sheaf, "bootstrap_sheaf");
  }

  openCpus(s: KmemCachePtr): boolean {
    const { percpu } = this.context.machine;
    const cpuStats = percpu.alloc(SHEAF_STAT_NAMES.length * 4);
    if (cpuStats === 0) return false;
    this.memory.write32(s + KmemCache.cpuStats, cpuStats);
    if (this.openSheaves(s)) return true;
    percpu.free(cpuStats);
    return false;
  }

  /** alloc_percpu and init_percpu_sheaves. False: no memory, and nothing was made. */
  protected openSheaves(s: KmemCachePtr): boolean {
    const cpuSheaves = this.context.machine.percpu.alloc(sizeOf(CpuSheaves));
    if (cpuSheaves === 0) return false;
    this.memory.write32(s + KmemCache.cpuSheaves, cpuSheaves);
    this.eachCpu(s, (pcs) => this.parts.sheafLock.giveMain(pcs, this.bootstrapSheaf));
    const capacity = this.parts.sheaves.capacityOf(s);
    if (capacity === 0 || this.makeSheaves(s, capacity)) return true;
    this.closeSheaves(s);
    return false;
  }

  /** A barn for each node and a main sheaf for each CPU. False: no memory, and some may be made. */
  private makeSheaves(s: KmemCachePtr, capacity: number): boolean {
    const { sheaves, sheafLock } = this.parts;
    for (let nid = 0; nid < this.context.machine.options.nodes; nid++) {
      if (this.hasBarn(nid) && !this.makeBarn(s, nid)) return false;
    }
    let made = true;
    this.eachCpu(s, (pcs) => {
      const main = made ? sheaves.allocEmpty(s, GFP_KERNEL, capacity) : 0;
      if (main === 0) made = false;
      else sheafLock.giveMain(pcs, main);
    });
    return made;
  }

  /** Every node has one, with memory or without. */
  protected hasBarn(_nid: number): boolean {
    return true;
  }

  makeBarn(s: KmemCachePtr, nid: number): boolean {
    const barn = this.kmalloc(BARN_BYTES, nid);
    if (barn === 0) return false;
    this.parts.barns.init(barn);
    this.memory.write32(s + KmemCache.barn + (nid << 2), barn);
    return true;
  }

  /** A kmalloc cache gets its sheaves; until the last is made it goes on without. */
  bootstrap(s: KmemCachePtr, capacity: number): void {
    if (!this.makeSheaves(s, capacity)) throw new RangeError("no memory to boot: sheaves");
    this.memory.write32(s + KmemCache.sheafCapacity, capacity);
  }

  private kmalloc(bytes: number, nid: number): Address {
    const cache = this.context.common.kmallocCache(this.parts.kmallocIndexOf(bytes));
    return this.parts.slabAllocNode(cache, GFP_KERNEL, nid);
  }

  private eachCpu(s: KmemCachePtr, act: (pcs: CpuSheavesPtr, cpu: number) => void): void {
    for (let cpu = 0; cpu < this.context.machine.options.cpus; cpu++) {
      act(this.parts.sheafLock.ofCpu(s, cpu), cpu);
    }
  }

  closeCpus(s: KmemCachePtr): void {
    this.closeSheaves(s);
    this.context.machine.percpu.free(this.memory.read32(s + KmemCache.cpuStats));
  }

  /** pcs_destroy, and the barns. */
  protected closeSheaves(s: KmemCachePtr): void {
    const { memory } = this;
    const { common, machine } = this.context;
    this.eachCpu(s, (pcs) => {
      const main = this.parts.sheafLock.main(pcs);
      if (main !== this.bootstrapSheaf) common.kfree(main);
    });
    for (let nid = 0; nid < machine.options.nodes; nid++) {
      common.kfree(this.parts.barns.of(s, nid));
      memory.write32(s + KmemCache.barn + (nid << 2), 0);
    }
    machine.percpu.free(memory.read32(s + KmemCache.cpuSheaves));
  }

  /**
   * flush_all_cpus_locked: a work item on each CPU that has anything. No interrupt could do it: it may
   * come while the sheaf lock is held.
   */
  flushAll(s: KmemCachePtr): void {
    this.context.machine.calls.workOnEach((cpu) => this.hasPcsUsed(s, cpu), this.flushPcs, s);
  }

  /** has_pcs_used: read from afar and stale at once. */
  hasPcsUsed(s: KmemCachePtr, cpu: number): boolean {
    const { sheafLock, sheaves } = this.parts;
    const pcs = sheafLock.ofCpu(s, cpu);
    if (sheaves.capacityOf(s) === 0) return false;
    const hasMore = sheafLock.spare(pcs) !== 0 || sheafLock.rcuFree(pcs) !== 0;
    return (
      hasMore ||
      this.memory.readRacy(this.memory.readRacy(pcs + CpuSheaves.main) + Sheaf.size) !== 0
    );
  }

  /** pcs_flush_all */
  flushThisCpu(s: KmemCachePtr): void {
    const { sheafLock, sheaves, flush, rcuSheaves } = this.parts;
    if (sheaves.capacityOf(s) === 0) return;
    const pcs = sheafLock.lock(s);
    const spare = sheafLock.spare(pcs);
    const rcuFree = sheafLock.rcuFree(pcs);
    sheafLock.setSpare(pcs, 0);
    sheafLock.setRcuFree(pcs, 0);
    sheafLock.unlock(pcs);
    if (spare !== 0) flush.sheafAndFree(s, spare);
    if (rcuFree !== 0) rcuSheaves.queueNoBarn(rcuFree);
    flush.main(s, () => sheafLock.lock(s));
  }

  /** __pcs_flush_all_cpu: the CPU is absent. */
  flushDeadCpu(s: KmemCachePtr, cpu: number): void {
    const { sheafLock, sheaves, flush, rcuSheaves } = this.parts;
    if (sheaves.capacityOf(s) === 0) return;
    const pcs = sheafLock.ofCpu(s, cpu);
    const spare = sheafLock.spare(pcs);
    const rcuFree = sheafLock.rcuFree(pcs);
    flush.sheaf(s, sheafLock.main(pcs));
    if (spare !== 0) {
      sheafLock.setSpare(pcs, 0);
      flush.sheafAndFree(s, spare);
    }
    if (rcuFree !== 0) {
      sheafLock.setRcuFree(pcs, 0);
      rcuSheaves.queueNoBarn(rcuFree);
    }
  }

  shrinkBarns(s: KmemCachePtr): void {
    for (let nid = 0; nid < this.context.machine.options.nodes; nid++) this.shrinkBarn(s, nid);
  }

  /** barn_shrink, where the node has a barn: full sheaves to the slabs, and all of them to kmalloc. */
  shrinkBarn(s: KmemCachePtr, nid: number): void {
    const { barns, flush, sheaves } = this.parts;
    const barn = barns.of(s, nid);
    if (barn === 0) return;
    const { full, empty } = barns.takeAll(barn);
    for (const sheaf of full) flush.sheafAndFree(s, sheaf);
    for (const sheaf of empty) sheaves.freeEmpty(s, sheaf);
  }
}
