// SPDX-License-Identifier: MIT
/**
 * Mutexes: like a spinlock, but taken with interrupts on by a task that may sleep. `waitWhile` lets
 * another task have the CPU meanwhile, so the holder can always get on.
 */
import { KernelBug } from "./kernel-bug.ts";
import type { Memory, Ptr } from "./memory.ts";
import { SpinLock, spinLock, spinTrylock, spinUnlock } from "./spinlock.ts";

export type MutexPtr = Ptr<"mutex">;

/** The same words as a spinlock: holder, and the two counts. */
export const Mutex = SpinLock;

export function mutexLock(memory: Memory, at: MutexPtr): void {
  if (memory.irqsDisabled()) {
    throw new KernelBug("deadlock", "sleeping function called from invalid context: mutex_lock");
  }
  spinLock(memory, at as number);
}

export function mutexTrylock(memory: Memory, at: MutexPtr): boolean {
  return spinTrylock(memory, at as number);
}

export function mutexUnlock(memory: Memory, at: MutexPtr): void {
  spinUnlock(memory, at as number);
}
