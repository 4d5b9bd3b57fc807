// SPDX-License-Identifier: GPL-2.0-only
/**
 * What becomes of a task whose thread has ended without detaching. Its CPU is free again and so is
 * its number, unless it ended in the middle of a change: what it held then stays held, is reported,
 * and a thread that needs it gets an error that names the dead. Its objects stay allocated.
 */
import { bury, isCalling, leftBy } from "../machine/burial.ts";
import { sizeOfTask, Task } from "../machine/cpus.ts";
import type { DirectMemory } from "../machine/direct-memory.ts";
import { HotplugLock } from "../machine/hotplug-lock.ts";
import type { Address } from "../machine/memory.ts";
import { holderOf } from "../machine/spinlock.ts";
import type { System } from "./system.ts";

interface NamedLock {
  readonly name: string;
  readonly at: Address;
}

/** Locks that are held with interrupts on. A task that ends with them off is known by its CPU. */
function mutexes({ common }: System): NamedLock[] {
  return [{ name: "slab_mutex", at: common.slabMutex }, ...hotplugLocks({ common })];
}

function hotplugLocks({ common }: Pick<System, "common">): NamedLock[] {
  return [
    { name: "the CPU hotplug lock", at: common.cpuHotplugLock + HotplugLock.mutex },
    { name: "the memory hotplug lock", at: common.memHotplugLock + HotplugLock.mutex },
    { name: "the lock of cache numbers", at: common.memcgCacheIdsLock + HotplugLock.mutex },
  ];
}

/** The mutexes that a task holds. */
export function mutexesOf(system: System, task: number): NamedLock[] {
  return mutexes(system).filter(({ at }) => holderOf(system.memory.readOnce(at)) === task + 1);
}

/** Hotplug locks with readers, of whom a task that has died may be one. */
function hotplugLocksRead(system: System): NamedLock[] {
  const readers = HotplugLock.readers - HotplugLock.mutex;
  return hotplugLocks(system).filter(({ at }) => system.memory.readOnce(at + readers) !== 0);
}

/** Buries task number `task`, and frees the number where it held nothing. What it held, a line each. */
export function buryTask(system: System, direct: DirectMemory, task: number): string[] {
  const { machine } = system;
  const cpus = bury(machine, task);
  // While the number still says who was to bury them.
  for (const other of leftBy(machine, task)) buryTask(system, direct, other);
  const locks = mutexesOf(system, task);
  const held = [
    ...cpus.map((cpu) => `CPU ${cpu}, in the middle of a change to its data`),
    ...locks.map(({ name }) => name),
  ];
  for (const what of held) machine.console.printk(`note: task ${task} exited and holds ${what}`);
  // A number that a word somewhere still names is not given to another thread.
  const isNamed =
    held.length > 0 || isCalling(machine, task) || hotplugLocksRead(system).length > 0;
  system.common.groups?.bury(task);
  if (!isNamed) direct.freeTask(task);
  return held;
}

/** How many threads have had the number of a task before. */
export function generationOf({ memory, machine }: System, task: number): number {
  return memory.loadAcquire(machine.layout.taskBase + task * sizeOfTask + Task.generation);
}
