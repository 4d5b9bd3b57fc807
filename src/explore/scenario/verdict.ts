/**
 * What must hold of a laboratory: of the CPUs' slabs whenever an operation has ended, of everything
 * when all have. What a CPU has is looked at only while nobody is in mid-operation there: in the
 * middle of a slow path it may look like anything, and a check that is too strict is a bug itself.
 */

import { auditAbsentCpus } from "../../check/absent-cpus.ts";
import { auditEmpty } from "../../check/audit.ts";
import { auditSlabPages, surveyBlocks } from "../../check/blocks.ts";
import { type AuditFinding, Findings, hex } from "../../check/findings.ts";
import { auditSlabAllocator } from "../../check/slab-audit.ts";
import { auditSlub } from "../../check/slub-audit.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import { Page } from "../../pages/page.ts";
import { isFrozen } from "../../slub/counters.ts";
import { KmemCache, KmemCacheCpu } from "../../slub/structs.ts";
import type { Laboratory } from "./laboratory.ts";

/**
 * c->freelist set implies c->page set, and a cpu slab is frozen. SLUB only. Of a CPU that has gone
 * others take the slab, in no hurry; the audit looks there.
 */
export function checkCpuSlabs({ memory, s, slub, system }: Laboratory): void {
  if (slub === undefined) return;
  const cpuSlab = memory.peek(s + KmemCache.cpuSlab);
  const { presence } = system.machine;
  for (let cpu = 0; cpu < memory.cpus; cpu++) {
    if (memory.busy[cpu] !== 0 || cpuSlab === 0 || !presence.isOnline(cpu)) continue;
    const c = memory.perCpuPtr(cpuSlab, cpu);
    const page = memory.peek(c + KmemCacheCpu.page);
    const freelist = memory.peek(c + KmemCacheCpu.freelist);
    if (page === 0 && freelist !== 0) {
      throw new KernelBug(
        "lost-object",
        `CPU ${cpu} has free object ${hex(freelist)} but no slab: its next slab will overwrite it`,
      );
    }
    if (page === 0 || isFrozen(memory.peek(page + Page.counters))) continue;
    throw new KernelBug(
      "stuck-frozen-slab",
      `CPU ${cpu} allocates from slab ${system.pages.array.number(page)}, which is not frozen`,
    );
  }
}

/** The audit of all caches. The ledger tells which objects are held. */
export function auditQuiet(lab: Laboratory, endsEmpty: boolean): void {
  const { memory, system, ledger, slub, slab } = lab;
  memory.runAs(0, () => system.machine.rcu.barrier());
  const findings = new Findings();
  const slabs = surveyBlocks(system, findings);
  if (slub !== undefined) auditSlub(system, slub, slabs, findings, ledger);
  if (slab !== undefined) auditSlabAllocator(system, slab, slabs, findings, ledger);
  auditSlabPages(system, findings);
  auditAbsentCpus(system, findings);
  refuse(findings.list);
  if (endsEmpty) refuse(auditEmpty(system, lab.s));
}

function refuse(findings: readonly AuditFinding[]): void {
  const [first] = findings;
  if (first === undefined) return;
  const more = findings.length === 1 ? "" : ` (and ${findings.length - 1} more)`;
  throw new KernelBug(first.failure, `${first.message}${more}`);
}
