// SPDX-License-Identifier: GPL-2.0-only
/**
 * The audit of CPUs that are offline. No context acts for them any more, so a frozen slab, a queue
 * with objects, a list of free pages or a callback that they still hold would be lost.
 */
import type { System } from "../kernel/system.ts";
import { Cpu, sizeOfCpu } from "../machine/cpus.ts";
import type { Findings } from "./findings.ts";

export function auditAbsentCpus(system: System, findings: Findings): void {
  const { machine, memory, pages, common, observer } = system;
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
      observer.auditAbsentCpu(s, cpu, findings);
    }
  }
}
