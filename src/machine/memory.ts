// SPDX-License-Identifier: MIT
/**
 * The seam of the whole project: everything shared is read and written through `Memory`.
 *
 * One interface, three kinds of memory behind it, chosen by injection and never by a test inside:
 * direct (real threads, full speed), tortured (real threads, with interrupts, migration and delays
 * at random accesses) and explored (one thread, one access at a time under a scheduler).
 *
 * The kind of an access says what the allocator relies on, in the kernel's words: plain C access,
 * READ_ONCE and WRITE_ONCE, data_race, acquire and release, fully ordered atomics, this_cpu_*.
 */
import type { LockClass } from "./lock-classes.ts";

declare const pointee: unique symbol;

/** A byte offset into the shared memory: a non-negative int32, 0 is NULL. `T` names what lies there. */
export type Ptr<T extends string> = number & { readonly [pointee]?: T };

/** A byte offset, whatever lies there. */
export type Address = number;

export const NULL = 0;

/** What irqSave returns and irqRestore takes: whether interrupts were on. */
export type IrqFlags = boolean;

export interface Memory {
  /** Bytes of the whole memory. */
  readonly byteLength: number;

  // Plain: ordinary C accesses. Two of them that race are a finding.
  read8(address: Address): number;
  read16(address: Address): number;
  read32(address: Address): number;
  write8(address: Address, value: number): void;
  write16(address: Address, value: number): void;
  write32(address: Address, value: number): void;
  /** memset, in one step. */
  fill(address: Address, byte: number, length: number): void;
  /** memcpy, in one step. */
  copy(to: Address, from: Address, length: number): void;
  /** memchr_inv, in one step: the address of the first byte that differs from `byte`, or 0. */
  findOther(address: Address, byte: number, length: number): Address;

  // Marked: plain accesses that say that they race.
  readOnce(address: Address): number;
  writeOnce(address: Address, value: number): void;
  /**
   * data_race(*address): may find anything, even outside of the memory (then 0). What it returns may
   * be carried as the new value of a compare-and-swap that fails if it was garbage; never followed.
   */
  readRacy(address: Address): number;

  // Ordered.
  loadAcquire(address: Address): number;
  storeRelease(address: Address, value: number): void;

  // Atomic, full barriers.
  /** Returns what was found; equal to `expected` means that `desired` was stored. */
  cmpxchg(address: Address, expected: number, desired: number): number;
  /**
   * Compares and swaps the words at `address` (a multiple of 8) and `address + 4` as one: the
   * kernel's cmpxchg_double on a 32-bit machine. True if it was stored.
   */
  cmpxchgDouble(
    address: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean;
  /** Returns the value before. */
  xchg(address: Address, value: number): number;
  /** Returns the value before. */
  add(address: Address, n: number): number;

  // This CPU: the CPU's area is added inside the call, after any interruption, as the kernel's
  // instructions do. Atomic against interrupts and preemption on this CPU, not against other CPUs.
  /** raw_cpu_ptr: may be stale as soon as interrupts are on; then it may be read, never written. */
  thisCpuPtr(offset: Address): Address;
  thisCpuRead(offset: Address): number;
  /** Statistics: one step, no scheduling point. */
  thisCpuAdd(offset: Address, n: number): void;
  thisCpuCmpxchg(offset: Address, expected: number, desired: number): number;
  thisCpuCmpxchgDouble(
    offset: Address,
    expectedLow: number,
    expectedHigh: number,
    desiredLow: number,
    desiredHigh: number,
  ): boolean;
  /** per_cpu_ptr: the same offset in the area of another CPU. */
  perCpuPtr(offset: Address, cpu: number): Address;
  /** A statistic outside the CPU areas (lock counts): one step, no scheduling point. */
  count(address: Address, n: number): void;

  // The state of the running context.
  irqSave(): IrqFlags;
  irqRestore(flags: IrqFlags): void;
  irqEnable(): void;
  irqDisable(): void;
  irqsDisabled(): boolean;
  preemptDisable(): void;
  preemptEnable(): void;
  /** Until `endChange` the data of this CPU are inconsistent, though interrupts may be on. Nests. */
  beginChange(): void;
  endChange(): void;
  smpProcessorId(): number;
  /** Number of the running task or interrupt, from 0: what a lock remembers as its holder. */
  current(): number;
  /** in_interrupt(): what runs belongs to no task. */
  inInterrupt(): boolean;
  /** get_cycles(): a free-running counter, 32 bits. */
  getCycles(): number;
  /** 32 random bits. */
  random(): number;

  // Locks, as lockdep is told of them: nothing happens but in a memory that checks.
  /** lock_acquire: the lock at `at` is about to be taken. A lock without a class word names it. */
  lockAcquire(at: Address, lockClass?: LockClass): void;
  /** The lock has been taken without waiting. */
  lockTaken(at: Address, lockClass?: LockClass): void;
  lockRelease(at: Address): void;
  /** lockdep_assert_held: raises lock-not-held where the running context does not hold the lock. */
  assertLockHeld(at: Address): void;
  /** lockdep_off, lockdep_on: in between no order is wrong and no lock is missing. */
  lockdepOff(): void;
  lockdepOn(): void;

  // Waiting.
  /**
   * The only way to wait: returns when the word at `address` was seen to differ from `value`.
   * `holder` (task number + 1, 0 if unknown) is blamed by a deadlock report.
   */
  waitWhile(address: Address, value: number, holder?: number): void;
  /**
   * Reads the word for a moment, with growing pauses, longer ones after `tries` vain tries. True: it
   * has become 0. A memory that runs step by step does not spin: false.
   */
  spinUntilZero(address: Address, tries: number): boolean;
  /** Wakes the tasks that sleep on the word. */
  notify(address: Address): void;
  /** Tells `cpu` to look at its poll word; acts for a CPU that no task runs as. */
  kick(cpu: number): void;
}
