// SPDX-License-Identifier: GPL-2.0-only
/**
 * A thread that ended without a word. What it ran as is set free, unless it was in the middle of a
 * change there: with interrupts off, or in what it does between operations, a CPU's own data is
 * nobody else's to look at, as if it were locked. Such a CPU keeps its dead holder, and so do locks;
 * whoever waits for them is told.
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
  // Before its leases are looked for: who hands it one now, sees that and takes it back.
  memory.storeRelease(at + Task.state, TASK_DYING);
  // Nobody is to hand it a CPU from here on.
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
      // What it was asked for is done as that CPU now.
      memory.kick(cpu);
    }
  }
  memory.storeRelease(at + Task.state, TASK_DEAD);
  return held;
}

/** A CPU that it was handing over goes where it was promised, or who waits for it asks again. */
function keepPromises({ memory, layout, options }: Machine, dead: number): void {
  for (let task = 0; task < options.tasks; task++) {
    const at = layout.taskBase + task * sizeOfTask;
    // Looked at before the wish: a promise that is still there was there then, without its grant,
    // and nobody else will write that. The other way round it might belong to the next wish.
    const isGranted = memory.loadAcquire(at + Task.granted) !== 0;
    const promise = promiseIn(memory.loadAcquire(at + Task.wanted));
    if (promise?.task !== dead || isGranted) continue;
    const lease = layout.cpuBase + promise.cpu * sizeOfCpu + Cpu.lease;
    const isHandedOver = memory.loadAcquire(lease) === task + 1;
    memory.storeRelease(at + Task.granted, isHandedOver ? promise.cpu + 1 : REFUSED);
    memory.notify(at + Task.granted);
  }
}
