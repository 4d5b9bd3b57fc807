// SPDX-License-Identifier: MIT
/**
 * A task on a thread of its own takes CPUs and leaves them, and does what others ask of its CPU:
 * between operations everything (inter-processor calls, RCU), as a softirq; in the middle of one,
 * with interrupts on, calls alone. What is asked of an idle CPU is done by the task that asks.
 */

import { ANY_CPU, Cpu, type Leases, POLL_ASKED, POLL_OWN, sizeOfCpu, Task } from "./cpus.ts";
import { KernelBug } from "./kernel-bug.ts";
import { NAP_MS, napSince } from "./nap.ts";
import { now } from "./platform.ts";
import { type MachinePlaces, RunningContext } from "./running-context.ts";

/** The time limit of a wait where the program sets none, in ms. */
const WAIT_LIMIT_MS = 20_000;

export abstract class RunningTask extends RunningContext {
  /** A wait longer than this is a deadlock, in ms. */
  waitLimit = WAIT_LIMIT_MS;
  /** Runs a pending inter-processor call of this CPU; interrupts are off. */
  onCall: () => void = () => undefined;
  /** Does everything that waits for this CPU; the context is between operations. */
  onQuiescent: () => void = () => undefined;

  constructor(words: Int32Array, places: MachinePlaces, leases: Leases, task: number) {
    super(words, places, leases, task);
    leases.onFreed = (cpu) => this.serveIfIdle(cpu);
  }

  // ---- taking a CPU, leaving it ----

  /**
   * Takes a lease and becomes that CPU: CPU number, or -1 for any. Waits while other tasks run
   * there. @throws KernelBug `deadlock` where none comes free within `patience` ms
   */
  enterCpu(wanted: number, patience = this.waitLimit): void {
    const want = wanted < 0 ? ANY_CPU : wanted + 1;
    let waited = 0;
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
      if (waited > patience) {
        throw new KernelBug("deadlock", `task ${this.task} found no CPU in ${patience} ms`);
      }
    }
  }

  /** Gives the task number back; this memory is not used afterwards. */
  retire(): void {
    this.tasks.release(this.task);
  }

  /**
   * Leaves the CPU, if there is one: a wait that failed has left its CPU and got no other. Requests
   * that came in meanwhile are served before or right after.
   */
  leaveCpu(): void {
    if (this.cpu < 0) return;
    const { cpu } = this;
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
    if (this.cpu < 0 || this.words[this.pollIndex] === 0) return;
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
    const flags = this.irqSave();
    this.onCall();
    this.irqRestore(flags);
  }

  kick(cpu: number): void {
    const at = (this.places.cpuBase + cpu * sizeOfCpu + Cpu.poll) >> 2;
    if (cpu === this.cpu) {
      Atomics.compareExchange(this.words, at, 0, POLL_OWN);
    } else {
      Atomics.store(this.words, at, POLL_ASKED);
      this.serveIfIdle(cpu);
    }
  }

  /** Runs as `cpu` for a moment if a request waits for it and no other task is that CPU. */
  private serveIfIdle(cpu: number): void {
    const at = (this.places.cpuBase + cpu * sizeOfCpu + Cpu.poll) >> 2;
    while (Atomics.load(this.words, at) === POLL_ASKED) {
      if (!this.leases.tryAcquireAbsent(this.task, cpu)) return;
      const mine = this.cpu;
      const { irqsOff, preemptCount } = this;
      this.irqsOff = false;
      this.preemptCount = 0;
      this.become(cpu);
      try {
        this.serve();
      } finally {
        if (mine >= 0) this.become(mine);
        else this.becomeNone();
        this.irqsOff = irqsOff;
        this.preemptCount = preemptCount;
        this.leases.release(cpu);
      }
    }
  }
}
