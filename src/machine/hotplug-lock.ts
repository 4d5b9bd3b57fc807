/**
 * Keeps something from coming or going while it is in use: CPUs, memory. Many may hold it off at
 * once (get_online_cpus); who changes it waits until none does (cpu_hotplug_begin).
 *
 * A mutex and a count, as in Linux 4.1: the count grows only under the mutex, the writer keeps the
 * mutex, so that no new reader comes while it waits for the old ones. Tasks that may sleep only.
 */
import type { Address, Memory } from "./memory.ts";
import { Mutex, mutexLock, mutexUnlock } from "./mutex.ts";
import { embed, struct, word } from "./struct.ts";

export const HotplugLock = struct("hotplug_lock", { mutex: embed(Mutex, "lock"), readers: word });

/** get_online_cpus, get_online_mems */
export function holdOff(memory: Memory, at: Address): void {
  mutexLock(memory, at + HotplugLock.mutex);
  memory.add(at + HotplugLock.readers, 1);
  mutexUnlock(memory, at + HotplugLock.mutex);
}

/** put_online_cpus, put_online_mems */
export function letGo(memory: Memory, at: Address): void {
  // Full barrier: the writer sees all that was done while it was held off.
  if (memory.add(at + HotplugLock.readers, -1) === 1) memory.notify(at + HotplugLock.readers);
}

/** cpu_hotplug_begin, mem_hotplug_begin: returns when nobody holds it off any more. */
export function hotplugBegin(memory: Memory, at: Address): void {
  mutexLock(memory, at + HotplugLock.mutex);
  for (;;) {
    const readers = memory.loadAcquire(at + HotplugLock.readers);
    if (readers === 0) return;
    memory.waitWhile(at + HotplugLock.readers, readers);
  }
}

/** cpu_hotplug_done, mem_hotplug_done */
export function hotplugDone(memory: Memory, at: Address): void {
  mutexUnlock(memory, at + HotplugLock.mutex);
}
