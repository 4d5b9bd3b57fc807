// SPDX-License-Identifier: GPL-2.0-only
/**
 * Mutexes held by tasks that have died. The data that such a mutex guards may be half changed, and
 * the next task that takes it would wait for ever; the audit finds it first. A spinlock is held
 * with interrupts off, so a death under one is found by the state of its CPU (machine/burial.ts).
 */
import type { System } from "../kernel/system.ts";
import { sizeOfTask, TASK_DEAD, Task } from "../machine/cpus.ts";
import { HotplugLock } from "../machine/hotplug-lock.ts";
import { holderOf } from "../machine/spinlock.ts";
import type { Findings } from "./findings.ts";

export function auditDeadLocks({ memory, machine, common }: System, findings: Findings): void {
  const mutexes = [
    { name: "slab_mutex", at: common.slabMutex },
    { name: "the CPU hotplug lock", at: common.cpuHotplugLock + HotplugLock.mutex },
    { name: "the memory hotplug lock", at: common.memHotplugLock + HotplugLock.mutex },
    { name: "the lock of cache numbers", at: common.memcgCacheIdsLock + HotplugLock.mutex },
  ];
  for (const { name, at } of mutexes) {
    const holder = holderOf(memory.readOnce(at)) - 1;
    if (holder < 0) continue;
    const task = machine.layout.taskBase + holder * sizeOfTask;
    if (memory.loadAcquire(task + Task.state) !== TASK_DEAD) continue;
    const cpu = memory.readOnce(task + Task.cpu) - 1;
    const message = `deadlock: held by dead CPU ${cpu} (task ${holder}): ${name}`;
    findings.add("deadlock", message, [at]);
  }
}
