// SPDX-License-Identifier: GPL-2.0-only
/**
 * Memory for stress: at random accesses it interrupts the running operation as a kernel may, so that
 * real threads reach the bugs that need an operation to be cut in two.
 *
 * - Interrupt (where interrupts are on): pending calls and a handler run nested, interrupts off.
 * - Preemption (where preemptible): the task drops its CPU in mid-operation. Another task runs
 *   there; this one continues, half the time on the same CPU even while the other is in the middle of
 *   something itself, else on whichever is free. Nested calls alone are last-in first-out and could
 *   not show the interleavings that need two tasks.
 * - Delay (anywhere): the task pauses, so that the windows between CPUs open; now and then for as
 *   long as a virtual machine loses its processor.
 *
 * Events also come right before interrupts or preemption go off, and before the CPU's number is read:
 * the window between two such calls need not hold any access.
 *
 * An event that comes with interrupts off waits until they are enabled, as on a real CPU.
 * Preemptions come in clusters: some interleavings need two of them within a few operations; and
 * often where the code is about to wait for memory, as they do in a kernel.
 *
 * It also refuses the errors of a wrong allocator: an access to page 0 or outside of the memory, and
 * a write into the area of a CPU that this task does not hold, a lock taken in the wrong order, and a
 * call without the lock that it needs.
 */
import { ANY_CPU } from "./cpus.ts";
import { DirectMemory } from "./direct-memory.ts";
import { type CapturedStack, HeldLocks } from "./held-locks.ts";
import { KernelBug } from "./kernel-bug.ts";
import type { LockClass } from "./lock-classes.ts";
import type { Address, IrqFlags } from "./memory.ts";
import { nap } from "./nap.ts";
import { classNumberIn, SpinLock } from "./spinlock.ts";
import { captureFrames } from "./witness.ts";
import { xorshift32 } from "./xorshift.ts";

/** Chances per access, 0 to 1. */
export interface TortureRates {
  readonly interrupts: number;
  readonly migrations: number;
  readonly delays: number;
}

/** How long a preempted task insists on the CPU it was on, in ms, before it takes any. */
const INSIST_MS = 2;
/** The longest delay by spinning, in turns; about 20 microseconds. */
const DELAY_TURNS = 4_000;
/** Chance that a delay is a long one instead, asleep, and how long that is. */
const LONG_DELAY = 1 / 16;
const LONG_DELAY_MS = 1;
/** Chance that a preemption is followed by another one, and within how many accesses. */
const CLUSTERED = 0.5;
const CLUSTER_ACCESSES = 150;
/** Chance of losing the CPU where the code itself turns interrupts on: before it may sleep. */
const PREEMPTED_WHERE_SLEEPING = 1 / 6;
/** Takings of each class of locks whose stacks are kept; of later ones, one in so many is. */
const STACKS_KEPT = 1000;
const STACKS_KEPT_LATER = 64;

export class TorturedMemory extends DirectMemory {
  private rates: TortureRates = { interrupts: 0, migrations: 0, delays: 0 };
  private total = 0;
  private countdown = Number.POSITIVE_INFINITY;
  private tortureState = 1;
  /** Events that came with interrupts off. */
  private interruptPending = false;
  private preemptionPending = false;
  /** The next event is a preemption. */
  private clustered = false;

  /** The handler of a device's interrupt; interrupts are off, nothing may sleep. */
  onInterrupt: () => void = () => undefined;
  /** Counts of the events injected into operations, for the report. */
  readonly injected = { interrupts: 0, preemptions: 0, migrations: 0, delays: 0 };

  protected readonly locks = new HeldLocks({
    classNumberOf: (at) =>
      classNumberIn(this.words[(at + SpinLock.contendedAndClass) >> 2] as number),
    nameOf: (address) => `0x${address.toString(16)}`,
    captureStack: captureFrames,
    captureTaking: (classNumber) => this.captureTaking(classNumber),
  });
  /** By number of the class. */
  private readonly takings: number[] = [];

  /** Starts the torture; each task draws its own sequence from `seed`. */
  torture(rates: TortureRates, seed: number): void {
    this.rates = rates;
    this.total = rates.interrupts + rates.migrations + rates.delays;
    this.tortureState = (seed ^ Math.imul(this.task + 1, 0x85ebca6b)) | 1;
    this.rearm();
  }

  /** Ends the torture, for the quiet moments of a run. */
  disable(): void {
    this.countdown = Number.POSITIVE_INFINITY;
    this.interruptPending = false;
    this.preemptionPending = false;
  }

  /** A stack costs more than the operation that takes the lock. */
  private captureTaking(classNumber: number): CapturedStack | undefined {
    const taking = this.takings[classNumber] ?? 0;
    this.takings[classNumber] = taking + 1;
    const isKept = taking < STACKS_KEPT || taking % STACKS_KEPT_LATER === 0;
    return isKept ? captureFrames() : undefined;
  }

  private chance(): number {
    this.tortureState = xorshift32(this.tortureState);
    return (this.tortureState >>> 0) / 2 ** 32;
  }

  /** Draws the distance to the next event: geometric, so that each access has the same chance. */
  private rearm(): void {
    if (this.total <= 0) {
      this.countdown = Number.POSITIVE_INFINITY;
      return;
    }
    const draw = Math.max(this.chance(), 2 ** -32);
    this.countdown = Math.ceil(Math.log(draw) / Math.log1p(-Math.min(this.total, 0.999)));
  }

  private step(): void {
    if (--this.countdown <= 0) this.event();
  }

  private event(): void {
    this.rearm();
    if (!this.onCpu) return;
    if (this.clustered) {
      this.clustered = false;
      this.preempt();
      return;
    }
    let draw = this.chance() * this.total;
    draw -= this.rates.interrupts;
    if (draw < 0) {
      this.interrupt();
      return;
    }
    draw -= this.rates.migrations;
    if (draw < 0) this.preempt();
    else this.delay();
  }

  private interrupt(): void {
    // None comes to a CPU that has gone, for which this task does what it has left.
    if (this.irqsOff || !this.leases.isOnline(this.cpu)) {
      this.interruptPending = true;
      return;
    }
    this.takeCalls();
    this.injected.interrupts++;
    this.irqsOff = true;
    const interrupted = this.locks.begin();
    this.interruptDepth++;
    this.onInterrupt();
    this.interruptDepth--;
    this.locks.end(interrupted);
    this.irqsOff = false;
  }

  protected override takeCalls(): void {
    const interrupted = this.locks.begin();
    super.takeCalls();
    this.locks.end(interrupted);
  }

  /** Also runs in the middle of operations, as another CPU. */
  protected override serve(): void {
    const interrupted = this.locks.begin();
    super.serve();
    this.locks.end(interrupted);
  }

  override oops(): void {
    super.oops();
    this.locks.forget();
  }

  private preempt(): void {
    if (this.irqsOff || this.preemptCount !== 0) {
      this.preemptionPending = true;
      return;
    }
    const was = this.cpu;
    this.injected.preemptions++;
    this.leaveCpu();
    const insists = this.chance() < 0.5;
    const cpu = this.leases.acquire(
      this.task,
      insists ? was + 1 : ANY_CPU,
      insists ? was : was + 1,
      INSIST_MS,
    );
    if (cpu >= 0) this.become(cpu);
    else this.enterCpu(-1);
    if (this.cpu !== was) this.injected.migrations++;
    if (this.chance() >= CLUSTERED) return;
    this.clustered = true;
    this.countdown = Math.min(this.countdown, 1 + Math.floor(this.chance() * CLUSTER_ACCESSES));
  }

  /** Interrupts are on again: events that waited come now. */
  private letIn(): void {
    if (this.irqsOff || !this.onCpu) return;
    if (this.interruptPending) {
      this.interruptPending = false;
      this.interrupt();
    }
    if (this.preemptionPending && this.preemptCount === 0) {
      this.preemptionPending = false;
      this.preempt();
    }
  }

  override irqSave(): IrqFlags {
    this.step();
    return super.irqSave();
  }
  override irqDisable(): void {
    this.step();
    super.irqDisable();
  }
  override preemptDisable(): void {
    this.step();
    super.preemptDisable();
  }
  override preemptEnable(): void {
    super.preemptEnable();
    this.letIn();
  }
  override smpProcessorId(): number {
    this.step();
    return super.smpProcessorId();
  }
  override irqRestore(flags: IrqFlags): void {
    super.irqRestore(flags);
    this.letIn();
  }
  override irqEnable(): void {
    super.irqEnable();
    if (this.countdown !== Number.POSITIVE_INFINITY && this.rates.migrations > 0) {
      this.preemptionPending ||= this.chance() < PREEMPTED_WHERE_SLEEPING;
    }
    this.letIn();
  }

  private delay(): void {
    this.injected.delays++;
    if (this.chance() < LONG_DELAY) {
      // Word 0 is never written or notified.
      nap(this.words, 0, 0, LONG_DELAY_MS);
      return;
    }
    const turns = Math.floor(this.chance() * DELAY_TURNS);
    for (let i = 0; i < turns; i++) this.chance();
  }

  private check(address: Address): void {
    // So that NaN is outside, too.
    if (!(address >= 4096 && address < this.byteLength)) {
      throw new KernelBug("bad-access", `access to ${address}, which no one owns`);
    }
  }

  private checkWrite(address: Address): void {
    this.check(address);
    if (this.isForeignArea(address)) {
      throw new KernelBug(
        "bad-access",
        `CPU ${this.cpu} writes ${address}, in the area of another CPU`,
      );
    }
  }

  override read8(address: Address): number {
    this.step();
    this.check(address);
    return super.read8(address);
  }
  override read16(address: Address): number {
    this.step();
    this.check(address);
    return super.read16(address);
  }
  override read32(address: Address): number {
    this.step();
    this.check(address);
    return super.read32(address);
  }
  override write8(address: Address, value: number): void {
    this.step();
    this.checkWrite(address);
    super.write8(address, value);
  }
  override write16(address: Address, value: number): void {
    this.step();
    this.checkWrite(address);
    super.write16(address, value);
  }
  override write32(address: Address, value: number): void {
    this.step();
    this.checkWrite(address);
    super.write32(address, value);
  }
  override fill(address: Address, byte: number, length: number): void {
    this.step();
    this.check(address);
    this.check(address + length - 1);
    super.fill(address, byte, length);
  }
  override copy(to: Address, from: Address, length: number): void {
    this.step();
    this.check(to);
    this.check(to + length - 1);
    this.check(from);
    this.check(from + length - 1);
    super.copy(to, from, length);
  }
  override findOther(address: Address, byte: number, length: number): Address {
    this.step();
    this.check(address);
    this.check(address + length - 1);
    return super.findOther(address, byte, length);
  }
  override readOnce(address: Address): number {
    this.step();
    this.check(address);
    return super.readOnce(address);
  }
  override writeOnce(address: Address, value: number): void {
    this.step();
    this.checkWrite(address);
    super.writeOnce(address, value);
  }
  override readRacy(address: Address): number {
    this.step();
    return super.readRacy(address);
  }
  override loadAcquire(address: Address): number {
    this.step();
    this.check(address);
    return super.loadAcquire(address);
  }
  override storeRelease(address: Address, value: number): void {
    this.step();
    this.check(address);
    super.storeRelease(address, value);
  }
  override cmpxchg(address: Address, expected: number, desired: number): number {
    this.step();
    this.check(address);
    return super.cmpxchg(address, expected, desired);
  }
  override cmpxchgDouble(
    address: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean {
    this.step();
    this.check(address);
    return super.cmpxchgDouble(address, expectedLow, expectedHigh, desiredLow, desiredHigh);
  }
  override xchg(address: Address, value: number): number {
    this.step();
    this.check(address);
    return super.xchg(address, value);
  }
  override add(address: Address, n: number): number {
    this.step();
    this.check(address);
    return super.add(address, n);
  }
  override lockAcquire(at: Address, lockClass?: LockClass): void {
    this.locks.acquire(at, lockClass);
  }
  override lockTaken(at: Address, lockClass?: LockClass): void {
    this.locks.add(at, lockClass);
  }
  override lockRelease(at: Address): void {
    this.locks.release(at);
  }
  override assertLockHeld(at: Address): void {
    this.locks.assertHeld(at);
  }
  override lockdepOff(): void {
    this.locks.off();
  }
  override lockdepOn(): void {
    this.locks.on();
  }
  override thisCpuPtr(offset: Address): Address {
    this.step();
    return super.thisCpuPtr(offset);
  }
  override thisCpuRead(offset: Address): number {
    this.step();
    return super.thisCpuRead(offset);
  }
  override thisCpuCmpxchg(offset: Address, expected: number, desired: number): number {
    this.step();
    return super.thisCpuCmpxchg(offset, expected, desired);
  }
  override thisCpuCmpxchgDouble(
    offset: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean {
    this.step();
    return super.thisCpuCmpxchgDouble(offset, expectedLow, expectedHigh, desiredLow, desiredHigh);
  }
}
