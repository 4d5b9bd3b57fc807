// SPDX-License-Identifier: GPL-2.0-only
/**
 * bit_spin_lock: one bit of a word is the lock; the other bits stay as they are. Held for a few
 * accesses only, with preemption off (and interrupts off where an interrupt could want it).
 */
import type { LockClass } from "./lock-classes.ts";
import type { Address, Memory } from "./memory.ts";

/** Sets `mask` in the word; full barrier. A bit has no room for its class. */
export function bitSpinLock(memory: Memory, at: Address, mask: number, lockClass: LockClass): void {
  memory.preemptDisable();
  memory.lockAcquire(at, lockClass);
  for (;;) {
    const seen = memory.readOnce(at);
    if ((seen & mask) !== 0) {
      memory.waitWhile(at, seen);
    } else if (memory.cmpxchg(at, seen, seen | mask) === seen) {
      return;
    }
  }
}

/** Clears `mask`; full barrier, so all writes under the lock come before. */
export function bitSpinUnlock(memory: Memory, at: Address, mask: number): void {
  for (;;) {
    const seen = memory.readOnce(at);
    if (memory.cmpxchg(at, seen, seen & ~mask) === seen) break;
  }
  memory.lockRelease(at);
  memory.notify(at);
  memory.preemptEnable();
}
