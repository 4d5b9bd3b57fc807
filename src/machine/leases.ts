// SPDX-License-Identifier: MIT
/**
 * Leases of CPUs, as one task takes and releases them. A lease is handed over, not raced for: a task
 * that releases one grants it to a waiting task if there is one. This file knows no CPU-local state.
 */
import {
  ANY_CPU,
  CPU_ABSENT,
  CPU_ONLINE,
  Cpu,
  holderIn,
  isBuried,
  promiseOf,
  REFUSED,
  sizeOfCpu,
  sizeOfTask,
  TASK_DEAD,
  Task,
} from "./cpus.ts";
import { type LeasePlaces, leaseAtomics } from "./lease-words.ts";
import { nap } from "./nap.ts";
import { now } from "./platform.ts";
import { AWAY_MS, Recalls } from "./recalls.ts";

const LEASE = Cpu.lease >> 2;
const ONLINE = Cpu.online >> 2;
const CPU_WORDS = sizeOfCpu >> 2;
const TASK_WORDS = sizeOfTask >> 2;

export class Leases {
  declare private readonly words: Int32Array;
  declare private readonly cpus: number;
  declare private readonly tasks: number;
  declare private readonly cpuBase: number;
  declare private readonly taskBase: number;
  declare private readonly waiting: number;
  declare private readonly recalls: Recalls;

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
    place: LeasePlaces & { cpus: number; tasks: number; waiting: number },
  ) {
    this.words = words;
    this.cpus = place.cpus;
    this.tasks = place.tasks;
    this.cpuBase = place.cpuBase >> 2;
    this.taskBase = place.taskBase >> 2;
    this.waiting = place.waiting >> 2;
    this.recalls = new Recalls(leaseAtomics(words), place, now);
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
    return this.isStillOnline(task, cpu);
  }

  /** A CPU that has just been taken may have gone offline since its state was looked at. */
  private isStillOnline(task: number, cpu: number): boolean {
    const { words } = this;
    if (!this.isOnline(cpu)) {
      // The task that took it offline does not know of this one.
      Atomics.store(words, this.cpuWord(cpu, LEASE), 0);
      this.onFreed(cpu);
      return false;
    }
    Atomics.store(words, this.taskWord(task, Task.cpu), cpu + 1);
    return true;
  }

  /** Takes the lease of a CPU whether online or not, to act for it: an idle one, or a kept one in time. */
  tryAcquireAbsent(task: number, cpu: number): boolean {
    const { words, recalls } = this;
    if (Atomics.compareExchange(words, this.cpuWord(cpu, LEASE), 0, task + 1) === 0) return true;
    return recalls.tryTake(task, cpu);
  }

  /** CPUs that this task has recalled and not got. */
  get recalled(): readonly number[] {
    return this.recalls.pending;
  }

  forget(cpu: number): void {
    this.recalls.forget(cpu);
  }

  /** The CPUs that a wish is about. */
  private meant(wanted: number): number[] {
    const all = Array.from({ length: this.cpus }, (_, cpu) => cpu);
    return wanted === ANY_CPU ? all : [wanted - 1];
  }

  /** Number + 1 of a task that has died in the middle of a change to its CPU, or 0. */
  get buriedHolder(): number {
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      const lease = this.holder(cpu);
      if (isBuried(lease)) return holderIn(lease);
    }
    return 0;
  }

  /** Whether every CPU that could be had is in the hands of a task that has died in a change to it. */
  areDead(wanted: number): boolean {
    const meant = this.meant(wanted).filter((cpu) => this.isOnline(cpu));
    return meant.length > 0 && meant.every((cpu) => isBuried(this.holder(cpu)));
  }

  /** Who has the CPUs, for an error. */
  holdersOf(wanted: number): string {
    return this.meant(wanted)
      .map((cpu) => {
        if (!this.isOnline(cpu)) return `CPU ${cpu} is offline`;
        const task = holderIn(this.holder(cpu)) - 1;
        if (task < 0) return `CPU ${cpu} is free`;
        const dead = isBuried(this.holder(cpu)) ? "dead " : "";
        return `CPU ${cpu} is held by ${dead}task ${task}`;
      })
      .join(", ");
  }

  /** How long a task may sleep that has something to look after, in ms. */
  napOf(ms: number): number {
    return this.recalls.isPending ? Math.min(ms, AWAY_MS) : ms;
  }

  /** Takes a CPU that is wanted and can be had now; -1: none. */
  tryAny(task: number, wanted: number, from: number): number {
    const first = wanted === ANY_CPU ? from : wanted - 1;
    const count = wanted === ANY_CPU ? this.cpus : 1;
    for (let i = 0; i < count; i++) {
      const cpu = (first + i) % this.cpus;
      if (this.tryAcquire(task, cpu)) return cpu;
    }
    for (let i = 0; i < count; i++) {
      const cpu = (first + i) % this.cpus;
      if (this.tryTakeKept(task, cpu)) return cpu;
    }
    return -1;
  }

  private tryTakeKept(task: number, cpu: number): boolean {
    return this.recalls.tryTake(task, cpu) && this.isStillOnline(task, cpu);
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
      nap(words, grant, 0, this.napOf(patience));
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
    while (Atomics.load(this.words, grant) === 0) nap(this.words, grant, 0, 1);
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
    while (!this.isAnyWaiting || !this.handOver(cpu, holder)) {
      Atomics.store(words, lease, 0);
      // A task that began to wait behind the search may have looked before the lease was free.
      if (!this.isAnyWaiting || !this.isWanted(cpu)) return;
      if (Atomics.compareExchange(words, lease, 0, holder) !== 0) return;
    }
  }

  get isAnyWaiting(): boolean {
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
