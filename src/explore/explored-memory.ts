// SPDX-License-Identifier: MIT
/**
 * Memory that a deterministic scheduler can stop at any access. Outside of exploration (boot, set-up,
 * checks) accesses pass straight through. Under exploration each is a step of the running context,
 * and each goes the same way:
 *
 *     log.isRecalling    the operation runs again and did this access before: the log answers it
 *     stops.before…      else another context may go first, or the access is refused
 *     backing, journal   the access is done; its writes can be undone
 *     done               the access is logged, and the observer hears of it
 *
 * Each of these is a part of its own: the log, the stop rule, the CPU's state, the busy CPUs. The
 * state of a context lies in its Context; the memory itself keeps words only.
 *
 *     explored-parts.ts    the parts, what the engine asks of them, and the steps of every access
 *     explored-words.ts    accesses to words and ranges, of all CPUs
 *     explored-memory.ts   accesses of the running CPU to its own area and state; waiting
 */
import { Cpu, POLL_ASKED, POLL_OWN, sizeOfCpu } from "../machine/cpus.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { LockClass } from "../machine/lock-classes.ts";
import type { Address, IrqFlags, Memory } from "../machine/memory.ts";
import { PLAIN } from "./explored-parts.ts";
import { ExploredWords } from "./explored-words.ts";
import * as k from "./kinds.ts";

export class ExploredMemory extends ExploredWords implements Memory {
  // ---- this CPU: logged by offset, since a repeated operation may run on another CPU ----

  thisCpuPtr(offset: Address): Address {
    if (this.log.isRecalling) return this.log.recall(k.CPU_PTR, offset);
    this.stops.beforePlace(k.CPU_PTR);
    return this.doneHere(k.CPU_PTR, offset, this.cpu.area + offset);
  }

  private doneHere(kind: number, offset: Address, value: number, a = 0, b = 0): number {
    this.log.record(kind, offset, value);
    if (this.watching !== undefined) this.tell(kind, this.cpu.area + offset, value, a, b);
    return value;
  }

  thisCpuRead(offset: Address): number {
    if (this.log.isRecalling) return this.log.recall(k.CPU_READ, offset);
    const address = this.cpu.area + offset;
    this.stops.beforeHere(k.CPU_READ, address, 4);
    return this.doneHere(k.CPU_READ, offset, this.backing.read32(address));
  }

  thisCpuCmpxchg(offset: Address, expected: number, desired: number): number {
    if (this.log.isRecalling) return this.log.recall(k.CPU_CMPXCHG, offset);
    const address = this.cpu.area + offset;
    this.stops.beforeHere(k.CPU_CMPXCHG, address, 4);
    const found = this.backing.read32(address);
    if (found === expected) this.storeLate(address, desired | 0, PLAIN);
    return this.doneHere(k.CPU_CMPXCHG, offset, found, expected, desired);
  }

  thisCpuCmpxchgDouble(
    offset: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean {
    if (this.log.isRecalling) return this.log.recall(k.CPU_CMPXCHG_DOUBLE, offset) !== 0;
    const address = this.cpu.area + offset;
    this.stops.beforeHere(k.CPU_CMPXCHG_DOUBLE, address, 8);
    const stored = this.areBoth(address, expectedLow, expectedHigh);
    if (stored) this.storePairLate(address, desiredLow | 0, desiredHigh | 0);
    this.doneHere(k.CPU_CMPXCHG_DOUBLE, offset, stored ? 1 : 0, desiredLow, desiredHigh);
    return stored;
  }

  perCpuPtr(offset: Address, cpu: number): Address {
    this.cpu.context.namedCpus |= 1 << cpu;
    return this.cpu.areaOf(cpu) + offset;
  }

  // ---- locks: not points ----

  lockAcquire(at: Address, lockClass?: LockClass): void {
    this.locks.acquire(at, lockClass);
  }
  lockTaken(at: Address, lockClass?: LockClass): void {
    this.locks.taken(at, lockClass);
  }
  lockRelease(at: Address): void {
    this.locks.release(at);
  }
  assertLockHeld(at: Address): void {
    this.locks.assertHeld(at);
  }
  lockdepOff(): void {
    this.locks.off();
  }
  lockdepOn(): void {
    this.locks.on();
  }

  // ---- statistics: not points, and not in the state ----

  thisCpuAdd(offset: Address, n: number): void {
    this.addUp(k.CPU_ADD, offset, this.cpu.area + offset, n);
  }
  count(address: Address, n: number): void {
    this.addUp(k.COUNT, address, address, n);
  }

  private addUp(kind: number, key: Address, address: Address, n: number): void {
    if (this.log.isRecalling) {
      this.log.recallWrite(kind, key, n);
      return;
    }
    this.stops.checkIsStaying();
    this.journal.changeStatistic(address, this.raw.read32(address) + n);
    this.log.record(kind, key, n);
  }

  // ---- the state of the running context ----

  irqSave(): IrqFlags {
    return this.cpu.irqSave();
  }
  irqRestore(flags: IrqFlags): void {
    this.cpu.irqRestore(flags);
  }
  irqEnable(): void {
    this.cpu.irqEnable();
  }
  irqDisable(): void {
    this.cpu.irqDisable();
  }
  irqsDisabled(): boolean {
    return this.cpu.irqsDisabled();
  }
  preemptDisable(): void {
    this.cpu.preemptDisable();
  }
  preemptEnable(): void {
    this.cpu.preemptEnable();
  }
  /** No explored thread ends in the middle of an operation. */
  beginChange(): void {}
  endChange(): void {}
  smpProcessorId(): number {
    return this.cpu.number();
  }
  current(): number {
    return Math.max(this.cpu.context.id, 0);
  }
  /**
   * The point that the running operation has come to, by name: context, operation, access; undefined
   * while it repeats what it did before. Empty outside of all operations.
   */
  get point(): string | undefined {
    if (this.log.isRecalling) return undefined;
    const { id, operation, logged } = this.cpu.context;
    return id < 0 ? "" : `${id}.${operation}.${logged}`;
  }
  inInterrupt(): boolean {
    return !this.cpu.context.isTask;
  }
  random(): number {
    return this.cpu.random();
  }
  /** Time stands still, unless chance is a choice. */
  getCycles(): number {
    return this.cpu.cycles();
  }

  // ---- waiting ----

  waitWhile(address: Address, value: number, holder = 0): void {
    if (this.log.isRecalling) {
      this.log.recall(k.WAIT, address);
      return;
    }
    this.stops.beforeWord(k.WAIT, address);
    const found = this.backing.read32(address);
    if (found !== value) {
      this.done(k.WAIT, address, found);
      return;
    }
    const { context } = this.cpu;
    if (!this.stops.isOn || holder === context.id + 1) this.refuseEndlessWait(address);
    context.wait(address, value, holder);
    context.isNotified = !this.needsNotify || this.busyCpus.isLease(address);
    this.stops.block();
  }

  private refuseEndlessWait(address: Address): never {
    const { name, operationName } = this.cpu.context;
    const why = this.stops.isOn ? "which it holds itself" : "and no other context runs";
    throw new KernelBug(
      "deadlock",
      `deadlock: ${operationName} of ${name} waits for ${this.nameOf(address)}, ${why}`,
    );
  }

  /** A waiter waits at once. */
  spinUntilZero(): boolean {
    return false;
  }

  notify(address: Address): void {
    if (!this.needsNotify) return;
    if (this.log.isRecalling) {
      this.log.recall(k.NOTIFY, address);
      return;
    }
    this.stops.checkIsStaying();
    if (this.stops.isOn) this.watching?.notified?.(address);
    this.runnable.notify(address);
    this.log.record(k.NOTIFY, address, 0);
  }

  pollWord(cpu: number): Address {
    return this.layout.cpuBase + cpu * sizeOfCpu + Cpu.poll;
  }

  kick(cpu: number): void {
    const address = this.pollWord(cpu);
    if (this.log.isRecalling) {
      this.log.recall(k.KICK, address);
      return;
    }
    this.stops.beforeWord(k.KICK, address);
    this.barrier();
    const isOwn = cpu === this.cpu.context.cpu;
    const asked = isOwn ? POLL_OWN : POLL_ASKED;
    if (!isOwn || this.backing.read32(address) === 0) this.store(address, asked);
    this.done(k.KICK, address, asked);
    if (!this.stops.isOn && !isOwn) this.runOutside(cpu, () => this.serve());
  }

  // ---- services of the machine ----

  takeCall(): void {
    this.services?.takeCall();
  }

  /** Does work that waits for the running CPU, between operations: interrupts on, preemption off. */
  serve(): void {
    this.preemptDisable();
    this.xchg(this.pollWord(this.cpu.context.cpu), 0);
    this.services?.quiescent();
    this.preemptEnable();
  }

  // ---- outside of exploration ----

  /** Runs `section` as `cpu`, then the work that it left for that CPU. For set-up and checks. */
  runAs<T>(cpu: number, section: () => T): T {
    return this.runOutside(cpu, () => {
      const result = section();
      if (this.peek(this.pollWord(cpu)) !== 0) this.serve();
      return result;
    });
  }

  private runOutside<T>(cpu: number, section: () => T): T {
    this.busyCpus.take(cpu, 0);
    try {
      return this.cpu.as(cpu, section);
    } finally {
      this.busyCpus.giveBack(cpu);
    }
  }
}
