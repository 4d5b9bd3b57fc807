// SPDX-License-Identifier: GPL-2.0-only
/** The options of a stress run, and its outcome. */

import type { AllocatorName } from "../src/caches/flags.ts";
import type { Era, KernelVersion } from "../src/caches/kernel-version.ts";
import type { BootOptions } from "../src/kernel/index.ts";
import type { UnreferencedObject } from "../src/kernel/kmemleak.ts";
import type { DeathOutcome } from "./deaths.ts";
import type { StressFailure } from "./failure.ts";
import type { HotplugCounts } from "./hotplug.ts";
import type { BuildPlan, GroupCounts, InjectedEvents, ReserveCounts } from "./protocol.ts";
import type { Statistics } from "./statistics.ts";
import type { LockUsage, MemoryUsage } from "./usage.ts";
import { WORKLOADS } from "./workloads/index.ts";

export interface StressOptions {
  readonly allocator: AllocatorName;
  readonly kernel: KernelVersion;
  readonly cpus: number;
  readonly nodes: number;
  /** Bytes. */
  readonly memory: number;
  /** How long to work; with `operations` undefined as well, until interrupted. */
  readonly seconds: number | undefined;
  /** How many operations all tasks do together. */
  readonly operations: number | undefined;
  readonly workload: string;
  readonly seed: number;
  readonly ledger: boolean;
  /** Chances per access to memory, 0 to 1. */
  readonly interrupts: number;
  readonly migrations: number;
  readonly delays: number;
  /** Id of a mutation, or undefined. */
  readonly mutation: string | undefined;
  readonly era: Era;
  /** Letters of slub_debug, for all caches. */
  readonly debug?: string | undefined;
  /** Chances that an allocation of an object, or a request for pages, fails on purpose. */
  readonly failSlab?: number | undefined;
  readonly failPages?: number | undefined;
  /** Every so many seconds a CPU goes, and the one that went before comes back. */
  readonly hotplug?: number | undefined;
  /** At the end, objects to which nothing points are looked for. */
  readonly leaks?: boolean | undefined;
  /** Tasks change their memory policies and each other's cpusets. */
  readonly policies?: boolean | undefined;
  /** Address checking: a bad access is a failure. */
  readonly kasan?: boolean | undefined;
  /** A read of bytes that nobody has written is a failure. */
  readonly kmemcheck?: boolean | undefined;
  /** Every so many allocations of a CPU one object lies between guard pages; true: every 10,000th. */
  readonly kfence?: true | number | undefined;
  /** Memory groups that are made, filled and killed; none where left out. */
  readonly groups?: number | undefined;
  /** Whether injected failures are told on the console, too. */
  readonly dmesg?: boolean | undefined;
}

/** KFENCE's settings, as `boot` takes them: a report ends the run. */
export function kfenceOf({ kfence }: StressOptions): NonNullable<BootOptions["kfence"]> {
  if (kfence === undefined) return false;
  return { fault: "panic", ...(kfence === true ? {} : { sampleInterval: kfence }) };
}

export function buildPlan(options: StressOptions): BuildPlan {
  const { ledger, mutation, interrupts, migrations, delays } = options;
  const isTorture = interrupts + migrations + delays > 0;
  return { ledger, mutation, torture: isTorture ? { interrupts, migrations, delays } : undefined };
}

/**
 * The order from which on the workload itself has allocations of pages fail; undefined: it has none
 * fail, as beside failures that the user asked for. Without single pages a CPU may not come back.
 */
export function workloadFailsFrom({
  workload,
  failPages,
  hotplug,
}: StressOptions): number | undefined {
  if (failPages !== undefined || WORKLOADS.get(workload)?.failsPages !== true) return undefined;
  return hotplug === undefined ? 0 : 1;
}

export interface StressProgress {
  /** Worked so far; the checks between rounds do not count. */
  readonly seconds: number;
  readonly operations: number;
}

export interface InjectedFaults {
  readonly slab: number;
  readonly pages: number;
}

export interface CpuOutcome {
  readonly cpu: number;
  readonly node: number;
  readonly statistics: Statistics;
}

export interface Outcome {
  /** Objects allocated and freed by the tasks, and calls on whole caches. */
  readonly operations: number;
  readonly seconds: number;
  readonly operationsPerSecond: number;
  readonly tasks: number;
  readonly rounds: number;
  /** Allocations that found no memory, and said so. */
  readonly refused: number;
  /** Memory policies that were set, and cpusets that were moved. */
  readonly policyChanges: number;
  readonly reserves: ReserveCounts;
  readonly groups: GroupCounts;
  readonly injectedEvents: InjectedEvents;
  /** Allocations that failed on purpose. */
  readonly injected: InjectedFaults;
  /** CPUs that went and came back. */
  readonly hotplug: HotplugCounts;
  readonly perCpu: readonly CpuOutcome[];
  /** The allocator's counters over all caches and CPUs, the kernel's own allocations included. */
  readonly stats: Statistics;
  /** When the work was done, before anything was given back. */
  readonly locks: readonly LockUsage[];
  readonly memory: MemoryUsage;
  readonly checks: {
    /** Whether every object was watched. */
    readonly ledger: boolean;
    /** How often everything was audited. */
    readonly audits: number;
    /** All objects were freed, all caches shrunk, and every page came back. */
    readonly allCameBack: boolean;
  };
  readonly failure: StressFailure | undefined;
  /** The last lines that the machine's console has printed, of all threads. */
  readonly dmesg: readonly string[];
  /** Objects that nobody holds, where they were looked for. */
  readonly leaks: readonly UnreferencedObject[];
  /** Threads that were ended from outside; the others went on. */
  readonly deaths: readonly DeathOutcome[];
  /** Why a thread ended before its time, where that was no failure of the allocator. */
  readonly died: string | undefined;
  readonly interrupted: boolean;
}
