// SPDX-License-Identifier: GPL-2.0-only
/**
 * Keeps CPUs or memory from coming or going while they are in use. Many readers may hold the change
 * off at once (get_online_cpus); the writer waits until none does (cpu_hotplug_begin).
 *
 * A mutex and a count, as in Linux 4.1: the count grows only under the mutex, the writer keeps the
 * mutex, so that no new reader comes while it waits for the old ones. Tasks that may sleep only.
 *
 *      31 ................... 8   7 ........ 0
 *     +------------------------+------------+
 *     | sum of (task + 1)      |   readers  |     0: no reader
 *     +------------------------+------------+
 *
 * So the last reader is known by number, and a report can name it if it has died.
 */
import type { LockClass } from "./lock-classes.ts";
import type { Address, Memory } from "./memory.ts";
import { Mutex, mutexLock, mutexUnlock } from "./mutex.ts";
import { setLockClass } from "./spinlock.ts";
import { embed, struct, word } from "./struct.ts";

export const HotplugLock = struct("hotplug_lock", { mutex: embed(Mutex, "lock"), readers: word });

const COUNT_BITS = 8;

/** Gives the lock its class. */
export function initHotplugLock(memory: Memory, at: Address, lockClass: LockClass): void {
  setLockClass(memory, at + HotplugLock.mutex, lockClass);
}

/** The share of the running task in the word of readers. */
function oneReader(memory: Memory): number {
  return ((memory.current() + 1) << COUNT_BITS) | 1;
}

/** get_online_cpus, get_online_mems */
export function holdOff(memory: Memory, at: Address): void {
  mutexLock(memory, at + HotplugLock.mutex);
  memory.add(at + HotplugLock.readers, oneReader(memory));
  mutexUnlock(memory, at + HotplugLock.mutex);
  // For the order of locks a reader holds the lock, too.
  memory.lockTaken(at + HotplugLock.mutex);
}

/** put_online_cpus, put_online_mems: by the same task. */
export function letGo(memory: Memory, at: Address): void {
  const me = oneReader(memory);
  memory.lockRelease(at + HotplugLock.mutex);
  // Full barrier: the writer sees what the reader did.
  if (memory.add(at + HotplugLock.readers, -me) === me) memory.notify(at + HotplugLock.readers);
}

/** cpu_hotplug_begin, mem_hotplug_begin: returns when no reader is left. */
export function hotplugBegin(memory: Memory, at: Address): void {
  mutexLock(memory, at + HotplugLock.mutex);
  for (;;) {
    const readers = memory.loadAcquire(at + HotplugLock.readers);
    if (readers === 0) return;
    memory.waitWhile(at + HotplugLock.readers, readers, lastReader(readers));
  }
}

/** Task number + 1 of the only reader left; 0 where there are several. */
function lastReader(readers: number): number {
  return (readers & ((1 << COUNT_BITS) - 1)) === 1 ? readers >> COUNT_BITS : 0;
}

/** cpu_hotplug_done, mem_hotplug_done */
export function hotplugDone(memory: Memory, at: Address): void {
  mutexUnlock(memory, at + HotplugLock.mutex);
}
