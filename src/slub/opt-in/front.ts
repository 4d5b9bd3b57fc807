// SPDX-License-Identifier: GPL-2.0-only
/** What the slab layer asks of cpu slabs and sheaves together: sheaves first, their objects land on the slabs. */
import { sizeOf } from "../../machine/struct.ts";
import type { CpuSlabFrontParts } from "../cpu-slab/front.ts";
import { CpuSlabFrontInterruptible } from "../cpu-slab/front-interruptible.ts";
import { STAT_NAMES } from "../statistics.ts";
import { KmemCacheCpu, type KmemCachePtr } from "../structs.ts";
import type { OptInSheaves } from "./sheaves.ts";
import { OPT_IN_STAT_NAMES } from "./statistics.ts";

export interface OptInFrontParts extends CpuSlabFrontParts {
  readonly optIn: OptInSheaves;
}

export class OptInFront extends CpuSlabFrontInterruptible {
  declare protected readonly parts: OptInFrontParts;

  protected override get bytesPerCpu(): number {
    return sizeOf(KmemCacheCpu) + (OPT_IN_STAT_NAMES.length - STAT_NAMES.length) * 4;
  }

  override openCpus(s: KmemCachePtr): boolean {
    if (!super.openCpus(s)) return false;
    if (this.parts.optIn.sheafFront.openCpus(s)) return true;
    super.closeCpus(s);
    return false;
  }

  override closeCpus(s: KmemCachePtr): void {
    this.parts.optIn.sheafFront.closeCpus(s);
    super.closeCpus(s);
  }

  override flushThisCpu(s: KmemCachePtr): void {
    this.parts.optIn.sheafFront.flushThisCpu(s);
    super.flushThisCpu(s);
  }

  /** slub_cpu_dead: here the slab comes first. */
  override flushDeadCpu(s: KmemCachePtr, cpu: number): void {
    super.flushDeadCpu(s, cpu);
    this.parts.optIn.sheafFront.flushDeadCpu(s, cpu);
  }

  /** A work item on each CPU that has anything: an interrupt may come while the sheaf lock is held. */
  override flushAll(s: KmemCachePtr): void {
    this.context.machine.calls.workOnEach((cpu) => this.hasCpuSlab(s, cpu), this.flushCpuSlab, s);
  }

  protected override hasCpuSlab(s: KmemCachePtr, cpu: number): boolean {
    return super.hasCpuSlab(s, cpu) || this.parts.optIn.sheafFront.hasPcsUsed(s, cpu);
  }

  /** The barn of a node gives back what it has. */
  shrinkBarn(s: KmemCachePtr, nid: number): void {
    this.parts.optIn.sheafFront.shrinkBarn(s, nid);
  }
}
