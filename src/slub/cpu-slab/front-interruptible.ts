// SPDX-License-Identifier: GPL-2.0-only
/**
 * A flush since Linux 5.15: the CPU forgets its slab with interrupts off, which takes a
 * few accesses, and gives it back afterwards, with interrupts as they were.
 */
import { CPUSLAB_FLUSH } from "../statistics.ts";
import type { KmemCacheCpuPtr, KmemCachePtr } from "../structs.ts";
import { CpuSlabFront } from "./front.ts";

export class CpuSlabFrontInterruptible extends CpuSlabFront {
  /** Preemption is off; `c` may have lost its slab to an interrupt. */
  override flushSlab(s: KmemCachePtr, c: KmemCacheCpuPtr): void {
    const { memory } = this;
    const { cpuSlab, deactivation } = this.parts;
    const flags = memory.irqSave();
    const page = cpuSlab.page(c);
    const freelist = cpuSlab.freelist(c);
    cpuSlab.dropFlushed(c);
    memory.irqRestore(flags);
    if (page === 0) return;
    deactivation.deactivate(s, page, freelist);
    this.context.stat(s, CPUSLAB_FLUSH);
  }
}
