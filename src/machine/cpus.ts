// SPDX-License-Identifier: MIT
/**
 * The descriptors of CPUs and tasks, and the lease: a task runs as CPU c while it holds c's lease.
 *
 * A CPU whose lease is free is idle: it is quiescent for RCU, and a task that needs something done
 * there takes the lease and does it. There may be more tasks than CPUs; a task that sleeps drops its
 * lease and comes back on any CPU that is free.
 *
 * Between two sections a task keeps its CPU until another task needs it: see kept-lease.ts.
 *
 *      31   30    29 ............. 8   7 ........ 0
 *     +---+------+------------------+--------------+
 *     | 0 | KEPT |  tenure if kept  |  holder + 1  |     0: idle
 *     +---+------+------------------+--------------+
 *
 * A CPU whose holder died in the middle of a change to it is BURIED with it (bit 29): it stays held.
 */
import { embed, ptr, sizeOf, struct, word } from "./struct.ts";

/** tid counts in steps of the CPU limit rounded up to a power of two, so this bounds its period. */
export const MAX_CPUS = 64;
/** Preemption needs more tasks than CPUs. */
export const MAX_TASKS = 2 * MAX_CPUS;
/** One number more, for a thread that has yet to find one among the dead. */
export const TASK_NUMBERS = MAX_TASKS + 1;

/** A function that a task has another CPU run, and waits for. */
export const CallSlot = struct("call_slot", {
  /** The asking task + 1 while the slot is taken. */
  owner: word,
  fn: word,
  argument: ptr,
  /** 1 until the CPU has run the function. */
  pending: word,
});

/** One 128-byte block a CPU, so that polling one never disturbs another. */
export const Cpu = struct(
  "cpu",
  {
    /** Which task runs as this CPU or keeps it, as drawn above; 0: idle. */
    lease: word,
    /** POLL_ASKED: another task waits for this CPU. POLL_OWN: the CPU left itself something to do. */
    poll: word,
    /** CPU_ONLINE, CPU_LEAVING or CPU_ABSENT. */
    online: word,
    /** Inter-processor call, which comes as an interrupt. */
    call: embed(CallSlot),
    /** Work, which comes as a task does. */
    work: embed(CallSlot),
    /** Number of the grace period that waits for this CPU; 0: none. */
    rcuNeeded: word,
    /** Callbacks whose grace period is under way, and the number of that period. */
    rcuWaiting: ptr,
    rcuWaitingFor: word,
    /** Callbacks queued since. */
    rcuNext: ptr,
    rcuNextTail: ptr,
    /** Callbacks queued so far, and how many of them have run; both counts may wrap. */
    rcuQueued: word,
    rcuDone: word,
    /** 1: the CPU has left something to an interrupt. */
    irqWork: word,
  },
  128,
);

/** No task runs there, and none may. */
export const CPU_ABSENT = 0;
export const CPU_ONLINE = 1;
/** The task that runs there leaves between two operations, and no other task comes. */
export const CPU_LEAVING = 2;

export const POLL_ASKED = 1;
export const POLL_OWN = 2;
/** The machine has panicked. */
export const POLL_PANICKED = 3;

export const TASK_NONE = 0;
export const TASK_RUNNING = 1;
/** The thread of the task has ended without releasing the task. */
export const TASK_DEAD = 2;
/** The task has ended; its CPU is about to be released: by itself, or by the task that buries it. */
export const TASK_DYING = 3;
const STATE_BITS = 2;

/** The state of a task while task number `undertaker` buries it; or while it gives its number back, by itself. */
export function dyingBy(undertaker: number): number {
  return ((undertaker + 1) << STATE_BITS) | TASK_DYING;
}

export function isDying(state: number): boolean {
  return (state & TASK_DYING) === TASK_DYING;
}

/** The task that buries the one with this state; -1: none does. */
export function undertakerIn(state: number): number {
  return isDying(state) ? (state >> STATE_BITS) - 1 : -1;
}

export const Task = struct(
  "task",
  {
    state: word,
    /** Number + 1 of the CPU that the task runs as, or last ran as. */
    cpu: word,
    /** The wish: 0, ANY_CPU or CPU number + 1; a promise while another task grants it. */
    wanted: word,
    /** The grant: CPU number + 1, or REFUSED. */
    granted: word,
    /** 1 while interrupts are off. Burial must know, as it must know `serving`. */
    irqsOff: word,
    /** 1 while the task runs a softirq. */
    serving: word,
    /** How many changes to its CPU's data the task is in the middle of, with interrupts on or off. */
    changing: word,
    /** 1 while the task is in a section on the CPU that it keeps. */
    inside: word,
    /** Not 0: the keeper's next look at its CPU takes the slow path. */
    recalled: word,
    /** How many times the task has kept a CPU. */
    tenure: word,
    /** How many threads have had the number before. */
    generation: word,
    /** See tenancy.ts: the word that the thread waits on, how many waits stand, the last look. */
    alive: word,
    standing: word,
    lookedAt: word,
    /** See waits.ts: the address that the task sleeps on, 0 while it does not; its value there, and who holds it. */
    waitsAt: word,
    waitsFor: word,
  },
  64,
);

export const ANY_CPU = -1;
/** The granter died between its promise and the grant. */
export const REFUSED = -1;

/** The promise that replaces a wish while task number `holder - 1` grants `cpu`: below ANY_CPU. */
export function promiseOf(holder: number, cpu: number): number {
  return -2 - (holder * MAX_CPUS + cpu);
}

/** The granter and the CPU of a promise; undefined where `wanted` is a wish or nothing. */
export function promiseIn(wanted: number): { task: number; cpu: number } | undefined {
  if (wanted >= ANY_CPU) return undefined;
  const promise = -2 - wanted;
  return { task: Math.floor(promise / MAX_CPUS) - 1, cpu: promise % MAX_CPUS };
}

/** The lease of a kept CPU: a tenure that is over is never taken for the present one. */
const KEPT = 0x4000_0000;
const HOLDER_BITS = 8;
const TENURE_MASK = (1 << 22) - 1;

export function keptLease(task: number, tenure: number): number {
  return KEPT | ((tenure & TENURE_MASK) << HOLDER_BITS) | (task + 1);
}

const BURIED = 0x2000_0000;

/** The lease of a CPU that no task will ever run as again. */
export function buriedLease(task: number): number {
  return BURIED | (task + 1);
}

export function isBuried(lease: number): boolean {
  return (lease & (KEPT | BURIED)) === BURIED;
}

export function isKept(lease: number): boolean {
  return (lease & KEPT) !== 0;
}

/** Number + 1 of the task that has the lease; 0: none. */
export function holderIn(lease: number): number {
  return lease & ((1 << HOLDER_BITS) - 1);
}

export const sizeOfCpu = sizeOf(Cpu);
export const sizeOfTask = sizeOf(Task);
