/**
 * The audit of CPUs that are gone: nobody acts for them any more, so what they still held would be
 * lost: a frozen slab, a queue with objects, a list of free pages, a callback.
 */
import type { System } from "../kernel/system.ts";
import { Cpu, sizeOfCpu } from "../machine/cpus.ts";
import { Slab } from "../slab/slab.ts";
import { ArrayCache, KmemCache as SlabCache } from "../slab/structs.ts";
import { Slub } from "../slub/cpu-slab/slub.ts";
import { KmemCacheCpu, KmemCache as SlubCache } from "../slub/structs.ts";
import { type Findings, hex } from "./findings.ts";

export function auditAbsentCpus(system: System, findings: Findings): void {
  const { machine, memory, pages, common, allocator } = system;
  for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
    if (machine.presence.isOnline(cpu)) continue;
    if (pages.pcp.holdsAny(cpu)) {
      findings.add("leaked-page", `CPU ${cpu} is gone and has free pages`);
    }
    const at = machine.layout.cpuBase + cpu * sizeOfCpu;
    if (memory.read32(at + Cpu.rcuWaiting) !== 0 || memory.read32(at + Cpu.rcuNext) !== 0) {
      findings.add("lost-object", `CPU ${cpu} is gone and has RCU callbacks to run`);
    }
    for (const s of common.caches()) {
      const of = `${common.nameOf(s)}: CPU ${cpu} is gone and has`;
      if (allocator instanceof Slub) {
        const c = memory.perCpuPtr(memory.read32(s + SlubCache.cpuSlab), cpu);
        for (const field of [KmemCacheCpu.page, KmemCacheCpu.partial]) {
          const page = memory.read32(c + field);
          if (page !== 0) findings.add("stuck-frozen-slab", `${of} slab ${hex(page)}`, [page]);
        }
      }
      if (allocator instanceof Slab) {
        const ac = memory.perCpuPtr(memory.read32(s + SlabCache.cpuSlab), cpu);
        const avail = memory.read32(ac + ArrayCache.avail);
        if (avail !== 0) findings.add("lost-object", `${of} ${avail} objects in its array`);
      }
    }
  }
}
