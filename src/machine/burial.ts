// SPDX-License-Identifier: GPL-2.0-only
/**
 * Burial of a task whose thread ended without leaving the machine. Its CPU is released, unless the
 * task died in the middle of a change: with interrupts off, or in a softirq, the data of a CPU may be
 * inconsistent, as if it were locked. Such a CPU keeps its dead holder, and so do locks; a waiter is
 * told that the holder is dead.
 */
import {
  Cpu,
  promiseIn,
  REFUSED,
  sizeOfCpu,
  sizeOfTask,
  TASK_DEAD,
  TASK_DYING,
  Task,
} from "./cpus.ts";
import type { Machine } from "./machine.ts";

/** Buries task number `task`. Returns the CPUs that it has left in the middle of a change. */
export function bury(machine: Machine, task: number): number[] {
  const { memory, layout, options } = machine;
  const at = layout.taskBase + task * sizeOfTask;
  // Before the search for its leases: a granter that hands it one now sees the state and takes the
  // lease back.
  memory.storeRelease(at + Task.state, TASK_DYING);
  // From here on no task grants it a CPU.
  if (memory.xchg(at + Task.wanted, 0) !== 0) memory.add(layout.waiting, -1);
  keepPromises(machine, task);
  const inMidChange =
    memory.loadAcquire(at + Task.irqsOff) !== 0 || memory.loadAcquire(at + Task.serving) !== 0;
  const held: number[] = [];
  for (let cpu = 0; cpu < options.cpus; cpu++) {
    const lease = layout.cpuBase + cpu * sizeOfCpu + Cpu.lease;
    if (memory.loadAcquire(lease) !== task + 1) continue;
    if (inMidChange) held.push(cpu);
    else if (memory.cmpxchg(lease, task + 1, 0) === task + 1) {
      // Requests that the dead task has not served are served now.
      memory.kick(cpu);
    }
  }
  memory.storeRelease(at + Task.state, TASK_DEAD);
  return held;
}

/** A CPU that the dead task was granting goes to the waiter, or the waiter is refused and retries. */
function keepPromises({ memory, layout, options }: Machine, dead: number): void {
  for (let task = 0; task < options.tasks; task++) {
    const at = layout.taskBase + task * sizeOfTask;
    // The grant is read before the wish: if the wish is still a promise of the dead task, the promise
    // had no grant then, and no other task will write one. In the other order the grant might belong
    // to the waiter's next wish.
    const isGranted = memory.loadAcquire(at + Task.granted) !== 0;
    const promise = promiseIn(memory.loadAcquire(at + Task.wanted));
    if (promise?.task !== dead || isGranted) continue;
    const lease = layout.cpuBase + promise.cpu * sizeOfCpu + Cpu.lease;
    const isHandedOver = memory.loadAcquire(lease) === task + 1;
    memory.storeRelease(at + Task.granted, isHandedOver ? promise.cpu + 1 : REFUSED);
    memory.notify(at + Task.granted);
  }
}
