// SPDX-License-Identifier: MIT
/**
 * A task on a thread of its own takes CPUs and leaves them, and does what others ask of its CPU:
 * between operations everything (inter-processor calls, RCU), as a softirq; in the middle of one,
 * with interrupts on, calls alone. What is asked of an idle CPU is done by the task that asks.
 */

import { ANY_CPU, Cpu, dyingBy, POLL_ASKED, POLL_OWN, sizeOfCpu, TASK_DEAD, Task } from "./cpus.ts";
import { KeptLease } from "./kept-lease.ts";
import { KernelBug } from "./kernel-bug.ts";
import { leaseAtomics } from "./lease-words.ts";
import type { Leases } from "./leases.ts";
import { NAP_MS, napSince, Search } from "./nap.ts";
import { now } from "./platform.ts";
import { type MachinePlaces, RunningContext } from "./running-context.ts";
import { freeTask, isAlive, isGoneAtOnce, isGoneNow, isLeaving, type Tenancy } from "./tenancy.ts";

/** The time limit of a wait where the program sets none, in ms. */
const WAIT_LIMIT_MS = 20_000;

/**
 * A task that lost the CPU it kept to a task that had none keeps no CPU for so long, in ms, and twice
 * as long each time again: where tasks outnumber CPUs, taking turns is cheaper than recalling.
 */
const SHARED_AT_LEAST_MS = 10;
const SHARED_AT_MOST_MS = 1_000;
/** A tenure this many times as long says that CPUs are no longer scarce. */
const LONG_TENURE = 10;

export abstract class RunningTask extends RunningContext {
  /** A wait longer than this is a deadlock, in ms. */
  waitLimit = WAIT_LIMIT_MS;
  /** Runs a pending inter-processor call of this CPU; interrupts are off. */
  onCall: () => void = () => undefined;
  /** Buries a task whose thread has ended. */
  onDeath: (task: number) => void = () => undefined;
  /** Does everything that waits for this CPU; the context is between operations. */
  onQuiescent: () => void = () => undefined;
  declare private readonly kept: KeptLease;
  private sharedMs = 0;
  private keepsFrom = 0;
  private keptSince = 0;
  /** Of the CPU that is kept. */
  private keptPollIndex = 0;

  constructor(words: Int32Array, places: MachinePlaces, leases: Leases, tenancy: Tenancy) {
    super(words, places, leases, tenancy);
    this.kept = new KeptLease(words, leaseAtomics(words), places, tenancy.task);
    leases.onFreed = (cpu) => this.serveIfIdle(cpu);
  }

  // ---- taking a CPU, leaving it ----

  /**
   * Takes a lease and becomes that CPU: CPU number, or -1 for any. Waits while other tasks run
   * there. @throws KernelBug `deadlock` where none comes free within `patience` ms; in mid-operation the
   * task may hold a mutex, and the machine panics.
   */
  enterCpu(wanted: number, patience = this.waitLimit, isMidway = false): void {
    this.checkAttached();
    if (this.enterKept(wanted)) return;
    const want = wanted < 0 ? ANY_CPU : wanted + 1;
    let waited = 0;
    const search = new Search();
    const from = wanted < 0 ? Math.max(this.tasks.lastCpu(this.task), 0) : wanted;
    for (;;) {
      const start = now();
      const cpu = this.leases.acquire(this.task, want, from, NAP_MS);
      if (cpu >= 0) {
        this.become(cpu);
        return;
      }
      this.checkPanic();
      waited += napSince(start);
      if (search.isDue(waited)) this.buryTheDead();
      const isHopeless = this.leases.areDead(want);
      if (!isHopeless && waited <= patience) continue;
      if (isMidway) this.panic();
      const holders = this.leases.holdersOf(want);
      throw new KernelBug(
        "deadlock",
        isHopeless
          ? `task ${this.task} finds no CPU: ${holders}`
          : `task ${this.task} found no CPU in ${patience} ms: ${holders}`,
      );
    }
  }

  /** Whether a section can begin without waiting for a CPU; if so, one is kept for it. */
  findCpu(): boolean {
    if (this.onCpu) return true;
    this.checkAttached();
    if (!this.reclaimKept()) {
      const cpu = this.leases.tryAny(
        this.task,
        ANY_CPU,
        Math.max(this.tasks.lastCpu(this.task), 0),
      );
      if (cpu < 0) return false;
      this.become(cpu);
    }
    this.keepCpu();
    return true;
  }

  /** Gives the CPU and the task number back; this memory throws from here on. */
  retire(): void {
    if (this.tenancy.hasEnded) return;
    if (this.reclaimKept()) this.leaveCpu();
    this.tenancy.end();
  }

  /** @throws KernelBug where this task has been detached, or buried. */
  checkAttached(): void {
    const { tenancy } = this;
    if (tenancy.hasEnded) throw new KernelBug("bad-access", "this kernel was detached");
    if (tenancy.isCurrent) return;
    throw new KernelBug(
      "bad-access",
      `this thread was buried as task ${this.task}, though it is alive: attach again`,
    );
  }

  /**
   * The number of a task that was buried may be taken again: nothing bears its name any more. Of those
   * that have waited for its burial, one frees it.
   */
  freeTask(task: number, from = TASK_DEAD): void {
    const { words } = this;
    const state = this.tasks.indexOf(task, Task.state);
    const mine = dyingBy(this.task);
    if (Atomics.compareExchange(words, state, from, mine) !== from) return;
    freeTask(words, this.places, task, mine);
    Atomics.notify(words, state);
  }

  /** Whether the thread of a task is known to be there. */
  isAlive(task: number): boolean {
    return isAlive(this.words, this.places, task);
  }

  /** Looks for threads that have ended without a word, and has them buried. May serve as other CPUs. */
  buryTheDead(isGone = isGoneNow): void {
    for (const task of this.tasks.taken()) {
      if (task === this.task) continue;
      if (isLeaving(this.words, this.places, task)) this.freeTask(task, dyingBy(task));
      else if (isGone(this.words, this.places, task)) this.onDeath(task);
    }
  }

  /** Likewise, for a thread that finds no task number free. */
  buryTheDeadAtOnce(): void {
    this.buryTheDead(isGoneAtOnce);
  }

  /** Becomes the CPU that this task keeps, if it is online and the wanted one; else keeps none. */
  private enterKept(wanted: number): boolean {
    if (!this.reclaimKept()) return false;
    if ((wanted < 0 || wanted === this.cpu) && this.leases.isOnline(this.cpu)) return true;
    this.leaveCpu();
    return false;
  }

  /** Runs as the CPU that it keeps, as if it had just taken it; false where it has lost it. */
  private reclaimKept(): boolean {
    const { cpu } = this.kept;
    if (cpu < 0) return false;
    if (!this.kept.reclaim()) {
      if (this.leases.isAnyWaiting || this.leases.holder(cpu) !== 0) this.share();
      return false;
    }
    this.become(cpu);
    return true;
  }

  /** CPUs are scarce: keeps none for a while. */
  private share(): void {
    const time = now();
    const isLong = time - this.keptSince > LONG_TENURE * this.sharedMs;
    this.sharedMs = isLong ? SHARED_AT_LEAST_MS : Math.min(2 * this.sharedMs, SHARED_AT_MOST_MS);
    this.keepsFrom = time + this.sharedMs;
  }

  /**
   * Enters the CPU that this task keeps, by plain accesses. False where that takes more: another task
   * has recalled it, or none is kept, or calls are shut, or this is inside of a section already.
   */
  resumeCpu(): boolean {
    if (this.isShut || this.onCpu || !this.kept.resume()) return false;
    this.stepOn(this.keptPollIndex);
    return true;
  }

  /** A section is over: the CPU is this task's until another one needs it. */
  restCpu(): void {
    const { pollIndex } = this;
    this.stepOff();
    if (!this.kept.rest()) this.restRecalled(pollIndex);
  }

  /** The CPU was recalled, or is none that this task had kept before; a wait that failed has left it. */
  private restRecalled(pollIndex: number): void {
    if (this.kept.cpu >= 0) {
      if (!this.reclaimKept()) return;
      if (this.leases.isAnyWaiting) this.share();
    } else {
      this.stepOn(pollIndex);
      if (!this.onCpu) return;
    }
    this.keepCpu();
  }

  /** Keeps the CPU that it has just run as, or leaves it where others wait or this section failed. */
  private keepCpu(): void {
    if (this.irqsOff || this.preemptCount !== 0 || !this.mayKeep()) {
      this.leaveCpu();
      return;
    }
    this.serveOrLeave();
    const { cpu, pollIndex, words } = this;
    this.stepOff();
    this.keptPollIndex = pollIndex;
    this.keptSince = now();
    // With callbacks still waiting for a grace period the next section looks again.
    if (!this.kept.keep(cpu, words[pollIndex] !== 0)) this.checkAttached();
    // A task that asked before it could see that the CPU is kept relies on this look.
    if (Atomics.load(words, pollIndex) !== POLL_ASKED && this.mayStay(cpu)) return;
    if (this.reclaimKept()) this.leaveCpu();
  }

  private mayKeep(): boolean {
    return (
      this.mayStay(this.cpu) &&
      !this.hasPanicked &&
      (this.sharedMs === 0 || now() >= this.keepsFrom)
    );
  }

  private mayStay(cpu: number): boolean {
    return !this.leases.isAnyWaiting && this.leases.isOnline(cpu);
  }

  private serveOrLeave(): void {
    if (this.undisturbed()) return;
    try {
      this.serve();
    } catch (error) {
      this.leaveCpu();
      throw error;
    }
  }

  /**
   * Leaves the CPU, if there is one: a wait that failed has left its CPU and got no other. Requests
   * that came in meanwhile are served before or right after.
   */
  leaveCpu(): void {
    if (!this.onCpu) return;
    const { cpu, kept } = this;
    // From inside of a section nobody else takes it.
    if (cpu === kept.cpu) kept.reclaim();
    if (this.leases.holder(cpu) !== this.task + 1) {
      this.becomeNone();
      this.checkAttached();
    }
    try {
      // RCU callbacks may stay behind: the end of their grace period has them run.
      if (!this.undisturbed()) this.serve();
    } finally {
      this.becomeNone();
      this.leases.release(cpu);
    }
    // A task that asked while the lease was still held relies on the holder to look once more.
    this.serveIfIdle(cpu);
  }

  /**
   * Between operations: one word is read, and requests are served. If the CPU is to go offline, this
   * task goes on as another CPU, as soon as one is free.
   */
  poll(): void {
    if (!this.onCpu || this.words[this.pollIndex] === 0) return;
    this.serve();
    if (this.irqsOff || this.preemptCount !== 0 || this.leases.isOnline(this.cpu)) return;
    this.leaveCpu();
    this.enterCpu(-1);
  }

  // ---- what others ask of the CPU ----

  /**
   * Does everything that waits for this CPU, as a softirq: interrupts on, no preemption. A failure
   * hits a request of another task, at an unknown point of that task: as in a kernel, the machine
   * panics.
   */
  protected serve(): void {
    if (this.irqsOff || this.preemptCount !== 0) return;
    const serving = this.tasks.indexOf(this.task, Task.serving);
    const wasServing = this.words[serving] as number;
    this.preemptCount = 1;
    this.words[serving] = 1;
    this.clearPoll();
    try {
      this.onQuiescent();
    } catch (error) {
      this.panic();
      throw error;
    } finally {
      this.words[serving] = wasServing;
      this.irqsOff = false;
      this.preemptCount = 0;
    }
  }

  /** In mid-operation with interrupts on: only calls are taken. */
  protected takeCalls(): void {
    if (this.words[this.pollIndex] === 0) return;
    const wereOn = !this.irqsOff;
    this.irqsOff = true;
    this.onCall();
    this.irqRestore(wereOn);
  }

  kick(cpu: number): void {
    const at = (this.places.cpuBase + cpu * sizeOfCpu + Cpu.poll) >> 2;
    if (cpu === this.cpu && this.onCpu) {
      Atomics.compareExchange(this.words, at, 0, POLL_OWN);
      this.kept.askToLook();
    } else {
      Atomics.store(this.words, at, POLL_ASKED);
      this.serveIfIdle(cpu);
    }
  }

  /** Acts for the CPUs that this task has recalled to have something done there, when it can. */
  protected serveRecalled(): void {
    for (const cpu of this.leases.recalled) {
      this.serveIfIdle(cpu);
      const at = (this.places.cpuBase + cpu * sizeOfCpu + Cpu.poll) >> 2;
      if (Atomics.load(this.words, at) !== POLL_ASKED) this.leases.forget(cpu);
    }
  }

  /** Takes the lease of a CPU for a moment, if that is possible now. */
  private tryActFor(cpu: number): boolean {
    // One's own, kept.
    if (cpu === this.kept.cpu && !this.onCpu) return this.kept.reclaim();
    return this.leases.tryAcquireAbsent(this.task, cpu);
  }

  /** Runs as `cpu` for a moment if a request waits for it and no other task is that CPU. */
  private serveIfIdle(cpu: number): void {
    const at = (this.places.cpuBase + cpu * sizeOfCpu + Cpu.poll) >> 2;
    while (Atomics.load(this.words, at) === POLL_ASKED) {
      if (!this.tryActFor(cpu)) return;
      const { irqsOff, preemptCount, cpu: ownCpu, area, pollIndex } = this;
      this.irqsOff = false;
      this.preemptCount = 0;
      this.become(cpu);
      try {
        this.serve();
      } finally {
        this.cpu = ownCpu;
        this.area = area;
        this.stepOn(pollIndex);
        this.irqsOff = irqsOff;
        this.preemptCount = preemptCount;
        this.leases.release(cpu);
      }
    }
  }
}
