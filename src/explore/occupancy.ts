// SPDX-License-Identifier: MIT
/**
 * Which contexts occupy which CPU, and so which could run next. A CPU has
 *
 * - a stack of interrupts, of which only the topmost runs; those below it wait until it ends;
 * - any number of tasks. While no interrupt is in progress any of them may run, unless one has
 *   interrupts or preemption off: then only that one;
 * - a softirq, between the operations of that CPU, if its poll word asks for one.
 *
 * A task that waits with interrupts and preemption on sleeps: its CPU counts as idle.
 */
import { CallSlot, CPU_ONLINE, Cpu, POLL_OWN, sizeOfCpu } from "../machine/cpus.ts";
import type { Context } from "./context.ts";
import type { ExploredMemory } from "./explored-memory.ts";
import { choiceOf, OTHER_WAY } from "./schedulers/scheduler.ts";
import type { StoreBuffers } from "./store-buffers.ts";

export class Occupancy {
  private readonly memory: ExploredMemory;
  private readonly contexts: readonly Context[];
  /** Interrupts in progress on each CPU, the running one last. */
  private readonly interrupts: Context[][];
  /** The task that ran last on each CPU, and the context of any kind that did. */
  private readonly lastTask: (Context | undefined)[];
  private readonly last: (Context | undefined)[];
  /** An operation has ended on the CPU since its last softirq began. */
  private readonly mayLook: boolean[];

  /** The choices, and how many preemptions each would be; first the context that may simply go on. */
  readonly choices: number[] = [];
  readonly costs: number[] = [];
  /** 0 if the current context can go on where it is, else -1. */
  current = -1;

  constructor(memory: ExploredMemory, contexts: readonly Context[]) {
    const { cpus } = memory;
    this.memory = memory;
    this.contexts = contexts;
    this.interrupts = Array.from({ length: cpus }, () => []);
    this.lastTask = Array.from({ length: cpus }, () => undefined);
    this.last = Array.from({ length: cpus }, () => undefined);
    this.mayLook = Array.from({ length: cpus }, () => true);
  }

  reset(): void {
    for (let cpu = 0; cpu < this.memory.cpus; cpu++) {
      (this.interrupts[cpu] as Context[]).length = 0;
      this.lastTask[cpu] = undefined;
      this.last[cpu] = undefined;
      this.mayLook[cpu] = true;
    }
    this.memory.busyCpus.reset();
  }

  // ---- events ----

  /** `context` begins or goes on, on `cpu`. Returns the context that ran there before. */
  takes(context: Context, cpu: number): Context | undefined {
    const before = this.last[cpu];
    const { busyCpus, buffers, older } = this.memory;
    if (buffers !== undefined && context.isTask) this.switchTasks(context, cpu, buffers);
    const wasCounted = context.running && !context.isAsleep;
    if (wasCounted && context.cpu !== cpu) {
      // As between operations: it looks for what it has left to the CPU before it goes.
      this.mayLook[context.cpu] = true;
      this.leaves(context);
    }
    if (older !== undefined) {
      const isOther = before !== undefined && before !== context;
      if (isOther || context.cpu !== cpu) older.barrier(cpu);
      if (!context.running) older.begins(cpu);
    }
    if (!wasCounted || context.cpu !== cpu) busyCpus.enter(cpu);
    busyCpus.take(cpu, context.id);
    context.cpu = cpu;
    if (context.isTask) this.lastTask[cpu] = context;
    else if (!context.running) (this.interrupts[cpu] as Context[]).push(context);
    if (context.kind === "softirq" && !context.running) this.mayLook[cpu] = false;
    this.last[cpu] = context;
    return before;
  }

  /** The switch from one task to another is a full barrier of the CPU, as is a migration. */
  private switchTasks(context: Context, cpu: number, buffers: StoreBuffers): void {
    if (context.cpu !== cpu) buffers.flush(context.cpu);
    if (this.lastTask[cpu] !== context) buffers.flush(cpu);
  }

  /** The context's operation is over. */
  ends(context: Context): void {
    const { cpu } = context;
    if (!context.isTask) (this.interrupts[cpu] as Context[]).pop();
    if (context.kind !== "softirq") this.mayLook[cpu] = true;
    this.leaves(context);
  }

  /** The context waits; a sleeping one leaves its CPU to others. */
  waits(context: Context): void {
    if (!context.isAsleep) return;
    this.memory.buffers?.flush(context.cpu);
    this.mayLook[context.cpu] = true;
    this.leaves(context);
  }

  /** Its CPU has one context fewer in mid-operation; the lease is for one of those left there. */
  private leaves(context: Context): void {
    const { cpu } = context;
    const { busyCpus, observer } = this.memory;
    busyCpus.leave(cpu);
    if (!busyCpus.isBusy(cpu)) {
      observer?.idle(cpu, busyCpus.wordOf(cpu));
      return;
    }
    const left = this.contexts.find(
      (other) => other !== context && other.cpu === cpu && other.running && !other.isAsleep,
    );
    if (left !== undefined) busyCpus.take(cpu, left.id);
  }

  // ---- the contexts that can run ----

  /**
   * Lists them; `current` is the context that has just run, if it has not ended. Contexts that spin
   * are among them only if no other can run.
   */
  list(current: Context | undefined): void {
    this.listOnce(current);
    if (this.choices.length > 0) return;
    const released = this.contexts.filter((context) => this.memory.releaseSpinning(context));
    if (released.length > 0) this.listOnce(current);
  }

  private listOnce(current: Context | undefined): void {
    const { choices, costs, memory } = this;
    choices.length = 0;
    costs.length = 0;
    this.current = -1;
    memory.runnable.listed();
    if (current !== undefined && this.canRun(current, current.cpu)) {
      choices.push(choiceOf(current.id, current.cpu));
      costs.push(0);
      this.listWays(current, 0);
      this.current = 0;
    }
    for (const context of this.contexts) {
      if (context.kind === "buffer") this.listDrains(context);
      else this.listChoicesOf(context, current);
    }
  }

  /**
   * The stores that may become visible now. After one no context is the current one: so a switch
   * that comes with drains costs one preemption, like a switch without.
   */
  private listDrains({ id, cpu }: Context): void {
    const { buffers, stops } = this.memory;
    if (buffers === undefined || buffers.isEmptyAt(cpu)) return;
    const cost = this.current >= 0 ? 1 : 0;
    for (const { number } of buffers.drainable(cpu, stops.isAskingEverywhere)) {
      this.choices.push(choiceOf(id, number));
      this.costs.push(cost);
    }
  }

  /** The other way that chance may decide costs no preemption; an older value costs one. */
  private listWays(context: Context, cost: number): void {
    const isChance = context.awaitsChance;
    const ways = isChance ? 1 : this.memory.olderFor(context);
    for (let way = 1; way <= ways; way++) {
      this.choices.push(choiceOf(context.id, context.cpu + way * OTHER_WAY));
      this.costs.push(isChance ? cost : cost + 1);
    }
  }

  private listChoicesOf(context: Context, current: Context | undefined): void {
    if (context.isFinished || this.isIdle(context) || this.isWaiting(context)) return;
    const leaving = this.current >= 0 && context !== current ? 1 : 0;
    const isCurrent = this.current >= 0 && context === current;
    if (!isCurrent && this.canRun(context, context.cpu)) {
      const cost = leaving || this.interruptsAnother(context) ? 1 : 0;
      this.choices.push(choiceOf(context.id, context.cpu));
      this.costs.push(cost);
      this.listWays(context, cost);
    }
    if (!context.migrates || !this.mayLeave(context)) return;
    for (let cpu = 0; cpu < this.memory.cpus; cpu++) {
      if (cpu === context.cpu || !this.isFreeForTasks(context, cpu)) continue;
      this.choices.push(choiceOf(context.id, cpu));
      this.costs.push(leaving + 1);
    }
  }

  /** A service with nothing to do: nearly always the case. */
  private isIdle(context: Context): boolean {
    return context.isService && !context.running && this.cpuWord(context.cpu, Cpu.poll) === 0;
  }

  private isWaiting(context: Context): boolean {
    if (this.memory.isSpinning(context)) return true;
    const { waitAddress, waitValue, cpu, isNotified } = context;
    if (waitAddress === 0) return false;
    return !isNotified || this.memory.peekAs(cpu, waitAddress) === waitValue;
  }

  private canRun(context: Context, cpu: number): boolean {
    if (this.isWaiting(context)) return false;
    if (!context.running && !this.mayBegin(context, cpu)) return false;
    if (context.isTask) return !context.isFinished && this.isFreeForTasks(context, cpu);
    if (context.running) return (this.interrupts[cpu] as Context[]).at(-1) === context;
    if (context.kind === "softirq") return this.wantsSoftirq(cpu);
    if (context.kind === "calls") return this.hasCall(cpu) && this.isInterruptible(cpu);
    return !context.isFinished && this.isInterruptible(cpu);
  }

  /**
   * No context takes a CPU that is offline, but interrupts still come on top of one that has it. What
   * was asked of that CPU before is done for it, as soon as nobody holds its lease.
   */
  private mayBegin(context: Context, cpu: number): boolean {
    if (this.memory.busyCpus.isBusy(cpu)) return true;
    if (this.cpuWord(cpu, Cpu.online) === CPU_ONLINE) return true;
    return context.isService && this.cpuWord(cpu, Cpu.lease) === 0;
  }

  private isFreeForTasks(context: Context, cpu: number): boolean {
    if ((this.interrupts[cpu] as Context[]).length > 0) return false;
    const pinned = this.pinned(cpu);
    return pinned === undefined || pinned === context;
  }

  /** The task on `cpu` that cannot be preempted, if there is one. */
  private pinned(cpu: number): Context | undefined {
    for (const context of this.contexts) {
      if (context.isTask && context.cpu === cpu && !context.isPreemptible) return context;
    }
    return undefined;
  }

  /** The task could be taken off its CPU: not while an interrupt has interrupted it. */
  private mayLeave(context: Context): boolean {
    if (!context.isPreemptible) return false;
    const { cpu } = context;
    return (this.interrupts[cpu] as Context[]).length === 0 || this.lastTask[cpu] !== context;
  }

  private isInterruptible(cpu: number): boolean {
    const top = (this.interrupts[cpu] as Context[]).at(-1) ?? this.pinned(cpu);
    return top === undefined || !top.irqsOff;
  }

  /** As the CPU itself sees it: else work whose end still waits in its store buffer began again. */
  private cpuWord(cpu: number, field: number): number {
    const { memory } = this;
    return memory.peekAs(cpu, memory.layout.cpuBase + cpu * sizeOfCpu + field);
  }

  private hasCall(cpu: number): boolean {
    if (this.cpuWord(cpu, Cpu.poll) === 0) return false;
    const isCalled = this.cpuWord(cpu, Cpu.call + CallSlot.pending) !== 0;
    return isCalled || this.cpuWord(cpu, Cpu.irqWork) !== 0;
  }

  /** After each operation a CPU looks once for work that it has left to itself. */
  private wantsSoftirq(cpu: number): boolean {
    const poll = this.cpuWord(cpu, Cpu.poll);
    if (poll === 0 || this.memory.busyCpus.isBusy(cpu) || this.pinned(cpu) !== undefined)
      return false;
    return poll !== POLL_OWN || (this.mayLook[cpu] as boolean);
  }

  /** An interrupt that begins while another context of its CPU is in mid-operation and could run. */
  private interruptsAnother(context: Context): boolean {
    if (context.isTask || context.running) return false;
    const { cpu } = context;
    const below = (this.interrupts[cpu] as Context[]).at(-1) ?? this.lastTask[cpu];
    return below?.running === true && below.cpu === cpu && !this.isWaiting(below);
  }

  /** Hash of the state that lies neither in the memory nor in a context. */
  stateOf(current: Context | undefined): number {
    let hash = (current?.id ?? -1) + 2;
    for (let cpu = 0; cpu < this.memory.cpus; cpu++) {
      hash = Math.imul(hash, 31) + ((this.lastTask[cpu]?.id ?? -1) + 2);
      hash = Math.imul(hash, 31) + (this.mayLook[cpu] ? 1 : 0);
      for (const context of this.interrupts[cpu] as Context[]) {
        hash = Math.imul(hash, 31) + context.id + 1;
      }
    }
    return hash;
  }
}
