// SPDX-License-Identifier: MIT
/**
 * The descriptors of CPUs and tasks, and the lease: a task runs as CPU c while it holds c's lease.
 *
 * A CPU whose lease is free is idle: it is quiescent for RCU, and a task that needs something done
 * there takes the lease and does it. There may be more tasks than CPUs; a task that sleeps drops its
 * lease and comes back on any CPU that is free.
 *
 * A lease is handed over, not raced for: a task that releases one grants it to a waiting task if
 * there is one. The words are only touched by atomics; this file knows no CPU-local state.
 */
import { ptr, sizeOf, struct, word } from "./struct.ts";

/** tid counts in steps of the CPU limit rounded up to a power of two, so this bounds its period. */
export const MAX_CPUS = 64;
/** Preemption needs more tasks than CPUs. */
export const MAX_TASKS = 2 * MAX_CPUS;

/** One 128-byte block a CPU, so that polling one never disturbs another. */
export const Cpu = struct(
  "cpu",
  {
    /** Number + 1 of the task that runs as this CPU; 0: idle. */
    lease: word,
    /** POLL_ASKED: another task waits for this CPU. POLL_OWN: the CPU left itself something to do. */
    poll: word,
    /** CPU_ONLINE, CPU_LEAVING or CPU_ABSENT. */
    online: word,
    /** Inter-processor call: the caller's task + 1 while the slot is taken. */
    callOwner: word,
    callFunction: word,
    callArgument: ptr,
    /** CALL_INTERRUPT or CALL_WORK until the called CPU has run the function, else CALL_NONE. */
    callPending: word,
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

/** What callPending says: nothing, a call that comes as an interrupt, or work for a task. */
export const CALL_NONE = 0;
export const CALL_INTERRUPT = 1;
export const CALL_WORK = 2;

export const POLL_ASKED = 1;
export const POLL_OWN = 2;
/** The machine has panicked. */
export const POLL_PANICKED = 3;

export const TASK_NONE = 0;
export const TASK_RUNNING = 1;
/** The thread of the task has ended without releasing the task. */
export const TASK_DEAD = 2;
/** The task has ended; its CPU is about to be released. */
export const TASK_DYING = 3;

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

const LEASE = Cpu.lease >> 2;
const ONLINE = Cpu.online >> 2;
const CPU_WORDS = sizeOf(Cpu) >> 2;
const TASK_WORDS = sizeOf(Task) >> 2;

export class Leases {
  declare private readonly words: Int32Array;
  declare private readonly cpus: number;
  declare private readonly tasks: number;
  declare private readonly cpuBase: number;
  declare private readonly taskBase: number;
  declare private readonly waiting: number;

  /**
   * Called with each CPU whose lease this task had for a moment and has released: a task that asked
   * for something there meanwhile relies on this task to look.
   */
  onFreed: (cpu: number) => void = () => undefined;

  /**
   * Byte offsets: `cpuBase` and `taskBase` of the two arrays of descriptors, `waiting` of the word
   * that counts tasks in `acquire`, so that a release without waiters looks at no task.
   */
  constructor(
    words: Int32Array,
    place: { cpus: number; tasks: number; cpuBase: number; taskBase: number; waiting: number },
  ) {
    this.words = words;
    this.cpus = place.cpus;
    this.tasks = place.tasks;
    this.cpuBase = place.cpuBase >> 2;
    this.taskBase = place.taskBase >> 2;
    this.waiting = place.waiting >> 2;
  }

  private cpuWord(cpu: number, field: number): number {
    return this.cpuBase + cpu * CPU_WORDS + field;
  }

  private taskWord(task: number, field: number): number {
    return this.taskBase + task * TASK_WORDS + (field >> 2);
  }

  holder(cpu: number): number {
    return Atomics.load(this.words, this.cpuWord(cpu, LEASE));
  }

  isOnline(cpu: number): boolean {
    return Atomics.load(this.words, this.cpuWord(cpu, ONLINE)) === CPU_ONLINE;
  }

  isAbsent(cpu: number): boolean {
    return Atomics.load(this.words, this.cpuWord(cpu, ONLINE)) === CPU_ABSENT;
  }

  /** Takes a free lease of an online CPU. */
  tryAcquire(task: number, cpu: number): boolean {
    const { words } = this;
    if (!this.isOnline(cpu)) return false;
    if (Atomics.compareExchange(words, this.cpuWord(cpu, LEASE), 0, task + 1) !== 0) return false;
    // The CPU may have gone offline since, and the task that took it offline does not know of this one.
    if (!this.isOnline(cpu)) {
      Atomics.store(words, this.cpuWord(cpu, LEASE), 0);
      this.onFreed(cpu);
      return false;
    }
    Atomics.store(words, this.taskWord(task, Task.cpu), cpu + 1);
    return true;
  }

  /** Takes the lease of a CPU whether online or not, to act for an absent CPU. */
  tryAcquireAbsent(task: number, cpu: number): boolean {
    return Atomics.compareExchange(this.words, this.cpuWord(cpu, LEASE), 0, task + 1) === 0;
  }

  private tryAny(task: number, wanted: number, from: number): number {
    if (wanted !== ANY_CPU) return this.tryAcquire(task, wanted - 1) ? wanted - 1 : -1;
    for (let i = 0; i < this.cpus; i++) {
      const cpu = (from + i) % this.cpus;
      if (this.tryAcquire(task, cpu)) return cpu;
    }
    return -1;
  }

  /**
   * Waits for a lease: ANY_CPU (searched from `from` on) or CPU number + 1. Gives up after
   * `patience` ms and returns -1.
   */
  acquire(task: number, wanted: number, from: number, patience: number): number {
    const cpu = this.tryAny(task, wanted, from);
    if (cpu >= 0) return cpu;
    Atomics.add(this.words, this.waiting, 1);
    const got = this.waitFor(task, wanted, from, patience);
    Atomics.sub(this.words, this.waiting, 1);
    return got;
  }

  private waitFor(task: number, wanted: number, from: number, patience: number): number {
    const { words } = this;
    const want = this.taskWord(task, Task.wanted);
    const grant = this.taskWord(task, Task.granted);
    Atomics.store(words, grant, 0);
    Atomics.store(words, want, wanted);
    // A lease may have come free before the wish was visible.
    let cpu = this.tryAny(task, wanted, from);
    if (cpu < 0) {
      Atomics.wait(words, grant, 0, patience);
      if (Atomics.load(words, want) !== wanted) return this.takeGrant(task);
      cpu = this.tryAny(task, wanted, from);
    }
    // Withdraw the wish. If another task has granted a lease first, that one is passed on.
    if (Atomics.compareExchange(words, want, wanted, 0) !== wanted) {
      const granted = this.takeGrant(task);
      if (cpu < 0) return granted;
      if (granted >= 0) {
        this.release(granted);
        this.onFreed(granted);
      }
    }
    if (cpu >= 0) Atomics.store(words, this.taskWord(task, Task.cpu), cpu + 1);
    return cpu;
  }

  /** The CPU that was granted, or -1. */
  private takeGrant(task: number): number {
    const grant = this.taskWord(task, Task.granted);
    // The granter stores twice, promise then grant; if it dies in between, burial refuses the wish.
    while (Atomics.load(this.words, grant) === 0) Atomics.wait(this.words, grant, 0, 1);
    Atomics.store(this.words, this.taskWord(task, Task.wanted), 0);
    const granted = Atomics.load(this.words, grant);
    if (granted === REFUSED) return -1;
    const cpu = granted - 1;
    Atomics.store(this.words, this.taskWord(task, Task.cpu), cpu + 1);
    return cpu;
  }

  /** Gives the lease to a task that waits for it, or frees it. */
  release(cpu: number): void {
    const { words } = this;
    const lease = this.cpuWord(cpu, LEASE);
    const holder = Atomics.load(words, lease);
    while (!this.isAnyWaiting() || !this.handOver(cpu, holder)) {
      Atomics.store(words, lease, 0);
      // A task that began to wait behind the search may have looked before the lease was free.
      if (!this.isAnyWaiting() || !this.isWanted(cpu)) return;
      if (Atomics.compareExchange(words, lease, 0, holder) !== 0) return;
    }
  }

  private isAnyWaiting(): boolean {
    return Atomics.load(this.words, this.waiting) !== 0;
  }

  /** Grants the lease to a task that waits for it, if there is one. */
  private handOver(cpu: number, holder: number): boolean {
    const { words } = this;
    if (!this.isOnline(cpu)) return false;
    for (let i = 0; i < this.tasks; i++) {
      // Starting behind the present holder keeps two tasks from passing it back and forth.
      const task = (holder + i) % this.tasks;
      const want = this.taskWord(task, Task.wanted);
      const wanted = Atomics.load(words, want);
      if (wanted !== ANY_CPU && wanted !== cpu + 1) continue;
      const promise = promiseOf(holder, cpu);
      if (Atomics.compareExchange(words, want, wanted, promise) !== wanted) continue;
      const lease = this.cpuWord(cpu, LEASE);
      Atomics.store(words, lease, task + 1);
      Atomics.store(words, this.taskWord(task, Task.granted), cpu + 1);
      Atomics.notify(words, this.taskWord(task, Task.granted));
      if (!this.hasEnded(task)) return true;
      // Burial has searched the dead task's leases before or will: one of the two takes this one back.
      if (Atomics.compareExchange(words, lease, task + 1, holder) !== task + 1) return true;
    }
    return false;
  }

  private hasEnded(task: number): boolean {
    return Atomics.load(this.words, this.taskWord(task, Task.state)) >= TASK_DEAD;
  }

  private isWanted(cpu: number): boolean {
    if (!this.isOnline(cpu)) return false;
    for (let task = 0; task < this.tasks; task++) {
      const wanted = Atomics.load(this.words, this.taskWord(task, Task.wanted));
      if (wanted === ANY_CPU || wanted === cpu + 1) return true;
    }
    return false;
  }
}

export const sizeOfCpu = sizeOf(Cpu);
export const sizeOfTask = sizeOf(Task);
