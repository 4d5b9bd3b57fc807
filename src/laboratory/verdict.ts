// SPDX-License-Identifier: GPL-2.0-only
/**
 * The checks of a laboratory: of the CPUs' slabs when an operation has ended, of everything when all
 * have. A CPU is checked only while no context is in mid-operation there: in the middle of a slow path
 * its slab may be in any state, and a check that is too strict is a bug itself.
 */

import type { Counted } from "../caches/event-counts.ts";
import { audit, auditEmpty } from "../check/audit.ts";
import { surveyBlocks } from "../check/blocks.ts";
import { type AuditFinding, Findings } from "../check/findings.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Laboratory } from "./laboratory.ts";

/** The CPUs on which nothing is under way. What a CPU had that went offline is taken over later. */
export function checkCpus({ memory, s, system, reading }: Laboratory): void {
  const { presence } = system.machine;
  for (let cpu = 0; cpu < memory.cpus; cpu++) {
    if (memory.busyCpus.isBusy(cpu) || !presence.isOnline(cpu)) continue;
    system.observer.checkCpu?.(s, cpu, reading);
  }
}

/**
 * When a cache must have no slab left. `shrunk`: after the objects still held are freed and the cache
 * is shrunk. `by itself`: as soon as all operations have ended.
 */
export type EndsEmpty = "shrunk" | "by itself";

export interface QuietAudit {
  readonly endsEmpty: EndsEmpty | undefined;
  /** Whether the scenario has interrupts. */
  readonly interrupted: boolean;
  /** Queues keep their limits: no context lowers them while others work. */
  readonly limited: boolean;
  /** One operation ran after the other. */
  readonly inTurn: boolean;
  /** What the event counts tell of. */
  readonly counted: Counted | undefined;
}

/** The whole audit, at the end. The ledger tells which objects are held. */
export function auditQuiet(
  lab: Laboratory,
  { endsEmpty, interrupted, limited, inTurn, counted }: QuietAudit,
): void {
  const { memory, system, ledger, s } = lab;
  memory.runAs(0, () => settle(lab));
  refuse(audit(system, { ledger, interrupted, limited, inTurn, counted }));
  if (endsEmpty === undefined) return;
  if (endsEmpty === "shrunk") memory.runAs(0, () => freeAndShrink(lab));
  refuse(auditEmpty(system, s));
}

/** What waits for readers, and what groups have left to be done, is done without anybody's doing. */
function settle({ system }: Laboratory): void {
  const { groups, kasan } = system.common;
  kasan?.emptyQuarantine();
  groups?.work();
  system.machine.rcu.barrier();
  if (groups === undefined) return;
  groups.work();
  system.machine.rcu.barrier();
  // What groups had left to be done may be a free.
  kasan?.emptyQuarantine();
}

function freeAndShrink({ system, ledger, s }: Laboratory): void {
  const { machine, observer } = system;
  // A cache that the scenario has destroyed has nothing to free.
  if (!system.common.caches().includes(s)) return;
  // What waits for readers is freed without anybody's doing.
  system.rcuBarrier();
  const slabs = surveyBlocks(system, new Findings()).get(s) ?? [];
  const objects = slabs.flatMap((slab) => observer.objectsOfSlab(s, slab));
  for (const object of objects.filter((object) => ledger.isLive(object))) system.kfree(object);
  system.kmemCacheShrink(s);
  if (system.observer.shrinksInTwo === true) system.kmemCacheShrink(s);
  machine.rcu.barrier();
}

function refuse(findings: readonly AuditFinding[]): void {
  const [first] = findings;
  if (first === undefined) return;
  const more = findings.length === 1 ? "" : ` (and ${findings.length - 1} more)`;
  throw new KernelBug(first.failure, `${first.message}${more}`);
}
