// SPDX-License-Identifier: GPL-2.0-only
/**
 * What the slab layer asks of the cpu slabs: they are made with a cache, flushed when the slabs must
 * be on their nodes' lists, and gone with the cache. A CPU flushes itself; another may do it only for
 * a CPU that is absent.
 */
import type { Memory } from "../../machine/memory.ts";
import { sizeOf } from "../../machine/struct.ts";
import type { Front } from "../front.ts";
import type { SlubContext } from "../slub-context.ts";
import { CPUSLAB_FLUSH } from "../statistics.ts";
import { KmemCache, KmemCacheCpu, type KmemCacheCpuPtr, type KmemCachePtr } from "../structs.ts";
import type { CpuPartial } from "./cpu-partial.ts";
import type { CpuSlab } from "./cpu-slab.ts";
import type { Deactivation } from "./deactivation.ts";

export interface CpuSlabFrontParts {
  readonly context: SlubContext;
  readonly cpuSlab: CpuSlab;
  readonly cpuPartial: CpuPartial;
  readonly deactivation: Deactivation;
}

export class CpuSlabFront implements Front {
  declare protected readonly parts: CpuSlabFrontParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  /** Number of the inter-processor call that flushes the CPU it runs on. */
  declare protected readonly flushCpuSlab: number;

  constructor(parts: CpuSlabFrontParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.flushCpuSlab = parts.context.machine.functions.register((s) => this.flushThisCpu(s));
  }

  /** alloc_kmem_cache_cpus */
  openCpus(s: KmemCachePtr): boolean {
    const { memory } = this;
    const { machine } = this.context;
    const cpuSlab = machine.percpu.alloc(this.bytesPerCpu);
    if (cpuSlab === 0) return false;
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
      this.parts.cpuSlab.init(memory.perCpuPtr(cpuSlab, cpu), cpu);
    }
    memory.write32(s + KmemCache.cpuSlab, cpuSlab);
    memory.write32(s + KmemCache.cpuStats, cpuSlab + KmemCacheCpu.stat);
    return true;
  }

  /** What a CPU keeps of a cache, its counts last. */
  protected get bytesPerCpu(): number {
    return sizeOf(KmemCacheCpu);
  }

  closeCpus(s: KmemCachePtr): void {
    this.context.machine.percpu.free(this.memory.read32(s + KmemCache.cpuSlab));
  }

  /** flush_slab: interrupts are off, `c` has a slab. */
  flushSlab(s: KmemCachePtr, c: KmemCacheCpuPtr): void {
    const { cpuSlab, deactivation } = this.parts;
    this.context.stat(s, CPUSLAB_FLUSH);
    deactivation.deactivate(s, cpuSlab.page(c), cpuSlab.freelist(c));
    cpuSlab.dropFlushed(c);
  }

  /** __flush_cpu_slab: `c` is this CPU's with interrupts off, or that of a CPU that is absent. */
  protected flushCpu(s: KmemCachePtr, c: KmemCacheCpuPtr): void {
    if (this.parts.cpuSlab.page(c) !== 0) this.flushSlab(s, c);
    this.parts.cpuPartial.unfreeze(s, c);
  }

  /** flush_cpu_slab */
  flushThisCpu(s: KmemCachePtr): void {
    this.flushCpu(s, this.parts.cpuSlab.here(s));
  }

  flushDeadCpu(s: KmemCachePtr, cpu: number): void {
    this.flushCpu(s, this.ofCpu(s, cpu));
  }

  flushAll(s: KmemCachePtr): void {
    this.context.machine.calls.callOnEach((cpu) => this.hasCpuSlab(s, cpu), this.flushCpuSlab, s);
  }

  /** has_cpu_slab: read from afar and stale at once, which is enough to spare an idle CPU a call. */
  protected hasCpuSlab(s: KmemCachePtr, cpu: number): boolean {
    const { memory } = this;
    const c = this.ofCpu(s, cpu);
    return (
      memory.readOnce(c + KmemCacheCpu.page) !== 0 ||
      memory.readOnce(c + KmemCacheCpu.partial) !== 0
    );
  }

  protected ofCpu(s: KmemCachePtr, cpu: number): KmemCacheCpuPtr {
    return this.memory.perCpuPtr(this.memory.read32(s + KmemCache.cpuSlab), cpu);
  }
}
