// SPDX-License-Identifier: GPL-2.0-only
/**
 * Mutexes held by tasks that have died. The data that such a mutex guards may be half changed, and
 * the next task that takes it would wait for ever; the audit finds it first. A spinlock is held
 * with interrupts off, so a death under one is found by the state of its CPU (machine/burial.ts).
 */
import { mutexesOf } from "../kernel/burial.ts";
import type { System } from "../kernel/system.ts";
import { sizeOfTask, TASK_DEAD, TASK_NUMBERS, Task } from "../machine/cpus.ts";
import type { Findings } from "./findings.ts";

export function auditDeadLocks(system: System, findings: Findings): void {
  const { memory, machine } = system;
  for (let task = 0; task < TASK_NUMBERS; task++) {
    const at = machine.layout.taskBase + task * sizeOfTask;
    if (memory.loadAcquire(at + Task.state) !== TASK_DEAD) continue;
    const cpu = memory.readOnce(at + Task.cpu) - 1;
    for (const { name, at: lock } of mutexesOf(system, task)) {
      const message = `deadlock: held by dead CPU ${cpu} (task ${task}): ${name}`;
      findings.add("deadlock", message, [lock]);
    }
  }
}
