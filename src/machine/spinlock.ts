// SPDX-License-Identifier: MIT
/**
 * Spinlocks. The word is 0 when free, else the holder's task number + 1, with CONTENDED set once
 * a task waits, so that an unlock without waiters wakes none. Statistics beside it.
 *
 *      31     30 ............ 0
 *     +-+-----+----------------+
 *     |0| CON |   holder + 1   |
 *     +-+-----+----------------+
 *
 * Taking is a full barrier (cmpxchg), as is dropping (xchg): the next holder sees what was written
 * under the lock.
 *
 * A waiter first only reads, with growing pauses, and tries when it has seen the lock free: if many
 * CPUs want one lock, their attempts would take its cache line from the holder again and again.
 * Simulated CPUs may outnumber cores, so after a while the waiter marks the lock and sleeps: no lock
 * burns a time slice.
 */
import { KernelBug } from "./kernel-bug.ts";
import { type LockClass, lockClassNumber } from "./lock-classes.ts";
import type { IrqFlags, Memory, Ptr } from "./memory.ts";
import { embed, struct, word } from "./struct.ts";

export const SpinLock = struct(
  "spinlock",
  {
    word,
    /** How often it was taken: a statistic, may lose counts. */
    acquired: word,
    /**
     * How often taking it meant waiting, likewise, above the number of its class (lock-classes.ts): one
     * word for both, since an alien cache of one object has room for no more (32 bytes in Linux).
     */
    contendedAndClass: word,
  },
  12,
);

const CLASS_BITS = 4;
const ONE_CONTENDED = 1 << CLASS_BITS;

/** How often taking the lock meant waiting, by its word `contendedAndClass`. */
export function timesContended(contendedAndClass: number): number {
  return contendedAndClass >>> CLASS_BITS;
}

/** The number of the lock's class, by the same word. */
export function classNumberIn(contendedAndClass: number): number {
  return contendedAndClass & (ONE_CONTENDED - 1);
}

export type SpinLockPtr = Ptr<"spinlock">;

export const lock = embed(SpinLock, "lock");

const CONTENDED = 0x4000_0000;
/** How often a waiter that has seen the lock free may come too late before it sleeps. */
const TRIES = 16;

export function holderOf(lockWord: number): number {
  return lockWord & ~CONTENDED;
}

export function spinLock(memory: Memory, at: SpinLockPtr): void {
  memory.lockAcquire(at);
  const me = memory.current() + 1;
  const found = memory.cmpxchg(at, 0, me);
  if (found !== 0) waitForLock(memory, at, me, found);
  memory.count(at + SpinLock.acquired, 1);
}

/** Spins; then marks the lock as waited for, sleeps until it changes, and takes it with the mark set. */
function waitForLock(memory: Memory, at: SpinLockPtr, me: number, seen: number): void {
  memory.count(at + SpinLock.contendedAndClass, ONE_CONTENDED);
  for (let tries = 0; tries < TRIES && memory.spinUntilZero(at, tries); tries++) {
    if (memory.cmpxchg(at, 0, me) === 0) return;
  }
  let found = seen;
  while (found !== 0) {
    const marked = found | CONTENDED;
    if (found === marked || memory.cmpxchg(at, found, marked) === found) {
      memory.waitWhile(at, marked, holderOf(found));
    }
    // Others may wait as well, so the mark stays.
    found = memory.cmpxchg(at, 0, me | CONTENDED);
  }
}

/** Takes the lock if it is free. */
export function spinTrylock(memory: Memory, at: SpinLockPtr): boolean {
  if (memory.cmpxchg(at, 0, memory.current() + 1) !== 0) return false;
  memory.lockTaken(at);
  memory.count(at + SpinLock.acquired, 1);
  return true;
}

export function spinUnlock(memory: Memory, at: SpinLockPtr): void {
  const before = memory.xchg(at, 0);
  if (holderOf(before) !== memory.current() + 1) {
    throw new KernelBug(
      "lock-not-held",
      `spinlock ${at} was dropped by a task that does not hold it`,
    );
  }
  memory.lockRelease(at);
  if ((before & CONTENDED) !== 0) memory.notify(at);
}

export function spinLockIrqsave(memory: Memory, at: SpinLockPtr): IrqFlags {
  const flags = memory.irqSave();
  spinLock(memory, at);
  return flags;
}

export function spinUnlockIrqrestore(memory: Memory, at: SpinLockPtr, flags: IrqFlags): void {
  spinUnlock(memory, at);
  memory.irqRestore(flags);
}

/** Whether the running context holds the lock. */
export function spinIsHeld(memory: Memory, at: SpinLockPtr): boolean {
  return holderOf(memory.readOnce(at)) === memory.current() + 1;
}

/** spin_lock_init, where each place of the kernel that has one is a class of its own. */
export function initSpinLock(memory: Memory, at: SpinLockPtr, lockClass: LockClass): void {
  memory.write32(at + SpinLock.word, 0);
  memory.write32(at + SpinLock.acquired, 0);
  memory.write32(at + SpinLock.contendedAndClass, 0);
  setLockClass(memory, at, lockClass);
}

/** lockdep_set_class: of a lock that is never initialised, since static memory is zero. */
export function setLockClass(memory: Memory, at: SpinLockPtr, lockClass: LockClass): void {
  // Threads that attach may each say the same: then its count stays.
  const number = lockClassNumber(lockClass);
  const known = memory.readOnce(at + SpinLock.contendedAndClass);
  if (classNumberIn(known) !== number) memory.writeOnce(at + SpinLock.contendedAndClass, number);
}
