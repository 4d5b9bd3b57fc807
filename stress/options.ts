/** What a stress run is asked for, and what it answers. */
import type { AllocatorName, KernelVersion } from "../src/caches/flags.ts";
import type { StressFailure } from "./failure.ts";
import type { BuildPlan, Inflicted } from "./protocol.ts";
import type { Statistics } from "./statistics.ts";
import type { LockUsage, MemoryUsage } from "./usage.ts";

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
  readonly era: "fixed" | "seed";
}

export function buildPlan(options: StressOptions): BuildPlan {
  const { ledger, mutation, interrupts, migrations, delays } = options;
  const isTorture = interrupts + migrations + delays > 0;
  return { ledger, mutation, torture: isTorture ? { interrupts, migrations, delays } : undefined };
}

export interface StressProgress {
  /** Worked so far; the checks between rounds do not count. */
  readonly seconds: number;
  readonly operations: number;
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
  readonly inflicted: Inflicted;
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
  /** Why a thread ended before its time, where that was no failure of the allocator. */
  readonly died: string | undefined;
  readonly interrupted: boolean;
}
