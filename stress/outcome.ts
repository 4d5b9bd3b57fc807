// SPDX-License-Identifier: GPL-2.0-only
/** Puts together what a run answers. */

import { systemOf } from "../src/kernel/kernel.ts";
import type { UnreferencedObject } from "../src/kernel/kmemleak.ts";
import { type DmesgLine, merged } from "../src/machine/dmesg.ts";
import type { KernelBug } from "../src/machine/kernel-bug.ts";
import type { DeathOutcome } from "./deaths.ts";
import type { StressFailure } from "./failure.ts";
import type { HotplugCounts } from "./hotplug.ts";
import type { InjectedFaults, Outcome, StressOptions } from "./options.ts";
import type { TaskReport } from "./protocol.ts";
import type { StressedMachine } from "./stressed-machine.ts";
import type { Usage } from "./usage.ts";

/** Of a task that died in its first round. */
export const NOTHING_DONE: TaskReport = {
  operations: 0,
  refused: 0,
  policyChanges: 0,
  reserves: { critical: 0, shrunk: 0 },
  groups: { made: 0, killed: 0 },
  injectedEvents: { interrupts: 0, preemptions: 0, migrations: 0, delays: 0 },
  destroyed: [],
  dmesg: [],
  failed: undefined,
};

/** Of a machine that cannot be looked at. */
export const NOTHING_USED: Usage = {
  locks: [],
  memory: { totalPages: 0, freePages: 0, slabPages: 0, lostBytes: 0, caches: [] },
};

/** The figures that the run itself has kept. */
export interface RunState {
  readonly tasks: number;
  readonly reports: readonly TaskReport[];
  readonly rounds: number;
  readonly milliseconds: number;
  readonly audits: number;
  readonly failure: StressFailure | undefined;
  readonly died: string | undefined;
  readonly interrupted: boolean;
  readonly injected: InjectedFaults;
  readonly hotplug: HotplugCounts;
  readonly hotplugDmesg: readonly DmesgLine[];
  readonly deaths: readonly DeathOutcome[];
  readonly leaks: readonly UnreferencedObject[];
}

export function outcomeOf(
  options: StressOptions,
  { kernel, tally, dmesg }: StressedMachine,
  used: Usage,
  state: RunState,
): Outcome {
  const { reports, tasks, rounds, failure, died, interrupted } = state;
  for (const report of reports) tally.add(report.destroyed);
  const sum = (of: (report: TaskReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const operations = sum((report) => report.operations);
  const seconds = state.milliseconds / 1000;
  return {
    operations,
    seconds,
    operationsPerSecond: seconds === 0 ? 0 : operations / seconds,
    tasks,
    rounds,
    refused: sum((report) => report.refused),
    policyChanges: sum((report) => report.policyChanges),
    reserves: {
      critical: sum((report) => report.reserves.critical),
      shrunk: sum((report) => report.reserves.shrunk),
    },
    groups: {
      made: sum((report) => report.groups.made),
      killed: sum((report) => report.groups.killed),
    },
    injectedEvents: {
      interrupts: sum((report) => report.injectedEvents.interrupts),
      preemptions: sum((report) => report.injectedEvents.preemptions),
      migrations: sum((report) => report.injectedEvents.migrations),
      delays: sum((report) => report.injectedEvents.delays),
    },
    injected: state.injected,
    hotplug: state.hotplug,
    perCpu: Array.from({ length: options.cpus }, (_, cpu) => ({
      cpu,
      node: systemOf(kernel).machine.topology.cpuToNode(cpu),
      statistics: tally.named(cpu),
    })),
    stats: tally.named(),
    ...used,
    checks: {
      ledger: options.ledger,
      audits: state.audits,
      allCameBack: failure === undefined && died === undefined && state.deaths.length === 0,
    },
    failure,
    dmesg: merged([dmesg.lines, state.hotplugDmesg, ...reports.map((report) => report.dmesg)]),
    leaks: state.leaks,
    deaths: state.deaths,
    died,
    interrupted,
  };
}

/** The allocator failed before any thread was started. */
export function nothingBooted(options: StressOptions, tasks: number, bug: KernelBug): Outcome {
  const { failure, message, stack = "" } = bug;
  return {
    operations: 0,
    seconds: 0,
    operationsPerSecond: 0,
    tasks,
    rounds: 0,
    refused: 0,
    policyChanges: 0,
    reserves: NOTHING_DONE.reserves,
    groups: NOTHING_DONE.groups,
    injectedEvents: NOTHING_DONE.injectedEvents,
    injected: { slab: 0, pages: 0 },
    hotplug: { gone: 0, back: 0 },
    perCpu: [],
    stats: {},
    ...NOTHING_USED,
    checks: { ledger: options.ledger, audits: 0, allCameBack: false },
    failure: { class: failure, message, task: -1, stack, findings: [], lastOperations: [] },
    dmesg: [],
    leaks: [],
    deaths: [],
    died: undefined,
    interrupted: false,
  };
}
