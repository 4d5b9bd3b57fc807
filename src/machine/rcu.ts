// SPDX-License-Identifier: MIT
/**
 * RCU by quiescent states, in the classic (non-preemptible) form: a reader has preemption off, so a
 * CPU that is between two operations, or idle, is in no read-side section.
 *
 * A grace period has a number. When it starts, each other busy CPU is told (rcuNeeded) and kicked;
 * each reports once between operations. A CPU whose lease is free need not be told, since all that
 * will run there begins after the start; nor the CPU that starts the period, which is between
 * operations itself. The last report ends the period.
 *
 * Callbacks of a CPU move from `next` (queued) to `waiting` (their period is under way) and are run
 * by that CPU between operations, as the kernel runs them in a softirq. rcu.lock guards the global
 * words; a CPU's lists are its own, touched with interrupts off.
 */
import { CPU_ABSENT, Cpu, isBuried, sizeOfCpu } from "./cpus.ts";
import type { FunctionTable } from "./functions.ts";
import type { Address, Memory } from "./memory.ts";
import { holderOf, lock, setLockClass, spinLock, spinUnlock } from "./spinlock.ts";
import type { Statics } from "./statics.ts";
import { ptr, struct, word } from "./struct.ts";

/** struct rcu_head: lives in the object whose callback waits. */
export const RcuHead = struct("rcu_head", { next: ptr, func: word });

const RcuState = struct("rcu_state", {
  lock,
  /** Number of the last period started, and of the last one completed. */
  started: word,
  completed: word,
  /** CPUs that the running period still waits for. */
  waitingFor: word,
});

export class Rcu {
  declare private readonly memory: Memory;
  declare private readonly functions: FunctionTable;
  declare private readonly cpuBase: Address;
  declare private readonly cpus: number;
  declare private readonly state: Address;

  constructor(
    memory: Memory,
    functions: FunctionTable,
    statics: Statics,
    cpuBase: Address,
    cpus: number,
  ) {
    this.memory = memory;
    this.functions = functions;
    this.cpuBase = cpuBase;
    this.cpus = cpus;
    this.state = statics.allocate(RcuState, "rcu_state");
    setLockClass(memory, this.state + RcuState.lock, "rcu.lock");
  }

  readLock(): void {
    this.memory.preemptDisable();
  }

  readUnlock(): void {
    this.memory.preemptEnable();
  }

  /** call_rcu: `fn` (a registered number) is called with `head` after a grace period. */
  call(head: Address, fn: number): void {
    const { memory } = this;
    const flags = memory.irqSave();
    const cpu = this.thisCpu();
    memory.write32(head + RcuHead.next, 0);
    memory.write32(head + RcuHead.func, fn);
    const tail = memory.read32(cpu + Cpu.rcuNextTail);
    if (tail === 0) memory.write32(cpu + Cpu.rcuNext, head);
    else memory.write32(tail + RcuHead.next, head);
    memory.write32(cpu + Cpu.rcuNextTail, head);
    memory.add(cpu + Cpu.rcuQueued, 1);
    memory.kick(memory.smpProcessorId());
    memory.irqRestore(flags);
  }

  private thisCpu(): Address {
    return this.cpuBase + this.memory.smpProcessorId() * sizeOfCpu;
  }

  /**
   * This CPU is between two operations: reports that, and runs callbacks whose period is over.
   * Interrupts are on, preemption is off.
   */
  quiescent(): void {
    const { memory } = this;
    this.report();
    const flags = memory.irqSave();
    const cpu = this.thisCpu();
    this.advance(cpu);
    const ready = this.takeReady(cpu);
    this.advance(cpu);
    const waits = memory.read32(cpu + Cpu.rcuWaiting) !== 0;
    // With callbacks still waiting this CPU looks again after its next operation.
    if (waits) memory.kick(memory.smpProcessorId());
    // On no list any more: if the task dies now, they never run, and who waits for them is to be told.
    memory.beginChange();
    memory.irqRestore(flags);
    if (waits) this.kickNeeded();
    this.run(cpu, ready);
    memory.endChange();
  }

  /** Gives the queued callbacks a period to wait for, where the earlier ones are done. */
  private advance(cpu: Address): void {
    const { memory } = this;
    if (memory.read32(cpu + Cpu.rcuWaiting) !== 0) return;
    const next = memory.read32(cpu + Cpu.rcuNext);
    if (next === 0) return;
    memory.writeOnce(cpu + Cpu.rcuWaiting, next);
    memory.write32(cpu + Cpu.rcuNext, 0);
    memory.write32(cpu + Cpu.rcuNextTail, 0);
    memory.write32(cpu + Cpu.rcuWaitingFor, this.nextPeriod());
  }

  /** Takes the callbacks whose period is over; 0 if there are none. */
  private takeReady(cpu: Address): Address {
    const { memory } = this;
    const waiting = memory.read32(cpu + Cpu.rcuWaiting);
    if (waiting === 0) return 0;
    const period = memory.read32(cpu + Cpu.rcuWaitingFor);
    if (!this.isOver(period)) {
      this.ensureStarted(period);
      // With no other CPU busy the period is over at once, and no report would come.
      if (!this.isOver(period)) return 0;
    }
    memory.writeOnce(cpu + Cpu.rcuWaiting, 0);
    return waiting;
  }

  private run(cpu: Address, first: Address): void {
    const { memory } = this;
    for (let head = first; head !== 0; ) {
      // The callback may free the memory of `head`.
      const next = memory.read32(head + RcuHead.next);
      this.functions.call(memory.read32(head + RcuHead.func), head);
      memory.add(cpu + Cpu.rcuDone, 1);
      head = next;
    }
    if (first !== 0) memory.notify(cpu + Cpu.rcuDone);
  }

  private isOver(period: number): boolean {
    // Acquire: the readers' accesses before the end of the period come before those that follow.
    return ((this.memory.loadAcquire(this.state + RcuState.completed) - period) | 0) >= 0;
  }

  /** Number of the first period that begins from now on; starts it unless another is running. */
  private nextPeriod(): number {
    const { memory, state } = this;
    spinLock(memory, state + RcuState.lock);
    const period = (memory.read32(state + RcuState.started) + 1) | 0;
    this.startIfNext(period);
    spinUnlock(memory, state + RcuState.lock);
    return period;
  }

  private ensureStarted(period: number): void {
    const { memory, state } = this;
    spinLock(memory, state + RcuState.lock);
    this.startIfNext(period);
    spinUnlock(memory, state + RcuState.lock);
  }

  /** With rcu.lock held, by a CPU in no read-side section; kickNeeded follows without the lock. */
  private startIfNext(period: number): void {
    const { memory, state } = this;
    const started = memory.read32(state + RcuState.started);
    if (started !== memory.read32(state + RcuState.completed)) return;
    if (((started + 1) | 0) !== period) return;
    memory.write32(state + RcuState.started, period);
    this.awaitReports(period, memory.smpProcessorId());
  }

  /** The period waits for each CPU where a reader may be, but not for `self`. With rcu.lock held. */
  private awaitReports(period: number, self: number): void {
    const { memory, state } = this;
    let busy = 0;
    for (let i = 0; i < this.cpus; i++) {
      const cpu = this.cpuBase + i * sizeOfCpu;
      if (i === self || !this.mayRead(cpu)) continue;
      memory.storeRelease(cpu + Cpu.rcuNeeded, period);
      busy++;
    }
    memory.write32(state + RcuState.waitingFor, busy);
    if (busy === 0) this.complete(period);
  }

  private mayRead(cpu: Address): boolean {
    const { memory } = this;
    const lease = memory.loadAcquire(cpu + Cpu.lease);
    // An operation on a CPU whose lease is free now begins after the start of the period, and the dead
    // read nothing any more.
    if (lease === 0 || isBuried(lease)) return false;
    // No reader is there; a task that holds the lease for a moment only looks at the poll word.
    return memory.loadAcquire(cpu + Cpu.online) !== CPU_ABSENT;
  }

  private complete(period: number): void {
    this.memory.storeRelease(this.state + RcuState.completed, period);
    this.memory.notify(this.state + RcuState.completed);
  }

  /** Reports that this CPU is in no read-side section. The last report ends the period. */
  private report(): void {
    this.reportFor(this.thisCpu());
  }

  private reportFor(cpu: Address): void {
    const { memory, state } = this;
    const flags = memory.irqSave();
    const period = memory.loadAcquire(cpu + Cpu.rcuNeeded);
    if (period === 0) {
      memory.irqRestore(flags);
      return;
    }
    spinLock(memory, state + RcuState.lock);
    memory.writeOnce(cpu + Cpu.rcuNeeded, 0);
    const left = memory.read32(state + RcuState.waitingFor) - 1;
    memory.write32(state + RcuState.waitingFor, left);
    if (left === 0) this.complete(period);
    spinUnlock(memory, state + RcuState.lock);
    memory.irqRestore(flags);
    if (left === 0) this.kickWhere((other) => memory.readOnce(other + Cpu.rcuWaiting) !== 0);
  }

  /** No reader is on a CPU whose holder has died; called once its lease says so. */
  reportBuried(i: number, task: number): void {
    const { memory, state } = this;
    const cpu = this.cpuBase + i * sizeOfCpu;
    if (holderOf(memory.readOnce(state + RcuState.lock)) === task + 1) this.endStepOfTheDead();
    this.reportFor(cpu);
  }

  /**
   * The holder of rcu.lock has died in the middle of a step; its CPU is buried, and only its undertaker
   * comes here. The words say which period is running. Every CPU reports for it once more, this one too,
   * which may have been a reader when it began: too many reports only delay its end.
   */
  private endStepOfTheDead(): void {
    const { memory, state } = this;
    for (let i = 0; i < this.cpus; i++) {
      const cpu = this.cpuBase + i * sizeOfCpu;
      if (!this.mayRead(cpu)) memory.storeRelease(cpu + Cpu.rcuNeeded, 0);
    }
    const started = memory.read32(state + RcuState.started);
    if (started !== memory.read32(state + RcuState.completed)) this.awaitReports(started, -1);
    // Orders all of that before the lock is free, as its holder's unlock would have.
    memory.xchg(state + RcuState.lock, 0);
    memory.notify(state + RcuState.lock);
  }

  /** Kicks the CPUs that the running period waits for. Interrupts are on. */
  private kickNeeded(): void {
    this.kickWhere((cpu) => this.memory.loadAcquire(cpu + Cpu.rcuNeeded) !== 0);
  }

  /** The condition reads words that their CPUs change meanwhile: a kick too many is harmless. */
  private kickWhere(condition: (cpu: Address) => boolean): void {
    for (let i = 0; i < this.cpus; i++) {
      if (condition(this.cpuBase + i * sizeOfCpu)) this.memory.kick(i);
    }
  }

  /** synchronize_rcu: returns when every read-side section that began before is over. May sleep. */
  synchronize(): void {
    const { memory, state } = this;
    const flags = memory.irqSave();
    const period = this.nextPeriod();
    memory.irqRestore(flags);
    for (;;) {
      // First: a period that ends after this is seen by waitWhile, and the next one may be begun.
      const completed = memory.loadAcquire(state + RcuState.completed);
      if (((completed - period) | 0) >= 0) return;
      // The caller is in no read-side section itself.
      this.report();
      const off = memory.irqSave();
      this.ensureStarted(period);
      memory.irqRestore(off);
      this.kickNeeded();
      memory.waitWhile(state + RcuState.completed, completed);
    }
  }

  /** Makes a CPU look at its callbacks. */
  private push(cpu: number): void {
    const { memory } = this;
    memory.preemptDisable();
    if (cpu === memory.smpProcessorId()) this.quiescent();
    else memory.kick(cpu);
    memory.preemptEnable();
  }

  /**
   * rcu_barrier: returns when every callback queued before has run; those of a CPU run in order. May
   * sleep.
   */
  barrier(): void {
    for (let cpu = 0; cpu < this.cpus; cpu++) this.barrierOf(cpu);
  }

  /** The same for the callbacks of one CPU, which may be absent. */
  barrierOf(cpu: number): void {
    const { memory } = this;
    const at = this.cpuBase + cpu * sizeOfCpu;
    const queued = memory.loadAcquire(at + Cpu.rcuQueued);
    for (;;) {
      const done = memory.loadAcquire(at + Cpu.rcuDone);
      if (((done - queued) | 0) >= 0) return;
      this.push(cpu);
      if (memory.loadAcquire(at + Cpu.rcuDone) !== done) continue;
      memory.waitWhile(at + Cpu.rcuDone, done);
    }
  }
}
