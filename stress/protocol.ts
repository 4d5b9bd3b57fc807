// SPDX-License-Identifier: GPL-2.0-only
/** The protocol between the main thread and the threads of CPUs: plain data, a few calls a run. */
import type { MessagePort } from "node:worker_threads";
import type { SharedKernel } from "../src/kernel/shared-kernel.ts";
import type { DmesgLine } from "../src/machine/dmesg.ts";
import type { FailureClass } from "../src/machine/kernel-bug.ts";
import type { Address } from "../src/machine/memory.ts";
import type { TortureRates } from "../src/machine/tortured-memory.ts";

/** How a thread's allocator differs from the plain one. Every thread of a run has the same. */
export interface BuildPlan {
  readonly ledger: boolean;
  /** A mutation's id or file (museum/mutations.ts), or undefined. */
  readonly mutation: string | undefined;
  readonly torture: TortureRates | undefined;
}

/** A thread's start data: its end of the channel, and the memory, which no message can carry. */
export interface ThreadStart {
  readonly port: MessagePort;
  readonly shared: SharedKernel;
}

/** All that a task is told at its start. */
export interface TaskPlan {
  readonly build: BuildPlan;
  readonly task: number;
  readonly tasks: number;
  /** The CPU it always runs as, or -1: whichever is free. */
  readonly cpu: number;
  /** So many steps as one CPU, then it is the turn of another task that waits for one. */
  readonly stepsASection: number;
  readonly seed: number;
  readonly workload: string;
  /** Page allocations from this order on may be made to fail; undefined: none. */
  readonly failsFrom: number | undefined;
  /** How many memory groups there are; 0: the machine has none. */
  readonly groups: number;
  /** The caches that the workload's tasks share. */
  readonly caches: readonly Address[];
}

/** The error that ended a task early. */
export interface TaskFailure {
  /** Undefined: no check of the allocator, the program itself went wrong. */
  readonly failure: FailureClass | undefined;
  readonly message: string;
  readonly stack: string;
  /** It was the first of the run; others only followed. */
  readonly first: boolean;
}

/** A task's figures since it was started. */
export interface TaskReport {
  readonly operations: number;
  readonly refused: number;
  readonly policyChanges: number;
  readonly reserves: ReserveCounts;
  readonly groups: GroupCounts;
  readonly injectedEvents: InjectedEvents;
  /** Statistics of caches it has destroyed, per CPU. */
  readonly destroyed: readonly (readonly number[])[];
  /** The last lines that its thread's console has printed. */
  readonly dmesg: readonly DmesgLine[];
  readonly failed: TaskFailure | undefined;
}

/** Memory groups that came and went. */
export interface GroupCounts {
  readonly made: number;
  readonly killed: number;
}

/** Allocations of a task that may use the reserves, and objects that shrinkers gave up for others. */
export interface ReserveCounts {
  readonly critical: number;
  readonly shrunk: number;
}

/** The events that torture injected. */
export interface InjectedEvents {
  readonly interrupts: number;
  readonly preemptions: number;
  readonly migrations: number;
  readonly delays: number;
}

/** The calls of workers/cpu.ts. */
export interface CpuThread {
  /** Loads the mutation, if there is one, and attaches to the machine. */
  boot(plan: TaskPlan): Promise<void>;
  /** Waits for the others, then works until all have done `operations` or the stop flag is set. */
  run(round: number, operations: number): TaskReport;
  /** Gives back all that the task holds. */
  finish(): TaskReport;
}
