// SPDX-License-Identifier: GPL-2.0-only
/**
 * Burial of a task whose thread ended without leaving the machine. Its CPU is released, unless the
 * task died in the middle of a change: with interrupts off, in a softirq, or with a lock that only
 * this CPU takes, the data of a CPU may be inconsistent. Such a CPU keeps its dead holder, and so do
 * locks; a waiter is told that the holder is dead.
 */
import {
  buriedLease,
  CallSlot,
  Cpu,
  holderIn,
  promiseIn,
  REFUSED,
  sizeOfCpu,
  sizeOfTask,
  TASK_DEAD,
  TASK_DYING,
  TASK_RUNNING,
  Task,
} from "./cpus.ts";
import type { Machine } from "./machine.ts";
import type { Address } from "./memory.ts";

/**
 * Buries task number `task`, whose thread has ended, unless another thread has. Returns the CPUs that
 * it has left in the middle of a change.
 */
export function bury(machine: Machine, task: number): number[] {
  const { memory, layout, options } = machine;
  const at = layout.taskBase + task * sizeOfTask;
  // Before the search for its leases: a granter that hands it one now sees the state and takes the
  // lease back. The task itself, should it be alive, finds out at its next look.
  if (memory.cmpxchg(at + Task.state, TASK_RUNNING, TASK_DYING) !== TASK_RUNNING) {
    memory.waitWhile(at + Task.state, TASK_DYING);
    return cpusHeldBy(machine, task);
  }
  memory.storeRelease(at + Task.recalled, 1);
  // From here on no task grants it a CPU.
  if (memory.xchg(at + Task.wanted, 0) !== 0) memory.add(layout.waiting, -1);
  keepPromises(machine, task);
  const inMidChange = [Task.irqsOff, Task.serving, Task.changing].some(
    (field) => memory.loadAcquire(at + field) !== 0,
  );
  for (const cpu of cpusHeldBy(machine, task)) {
    const lease = layout.cpuBase + cpu * sizeOfCpu + Cpu.lease;
    const found = memory.loadAcquire(lease);
    const after = inMidChange ? buriedLease(task) : 0;
    if (holderIn(found) !== task + 1 || memory.cmpxchg(lease, found, after) !== found) continue;
    if (after !== 0) machine.rcu.reportBuried(cpu, task);
  }
  // The dead task may have been about to look at a CPU that it had left, or to ask one to report. Every
  // CPU is asked once more: one time too many is harmless.
  for (let cpu = 0; cpu < options.cpus; cpu++) memory.kick(cpu);
  leaveCalls(machine, task);
  memory.storeRelease(at + Task.state, TASK_DEAD);
  memory.notify(at + Task.state);
  return cpusHeldBy(machine, task);
}

function cpusHeldBy({ memory, layout, options }: Machine, task: number): number[] {
  return Array.from({ length: options.cpus }, (_, cpu) => cpu).filter(
    (cpu) =>
      holderIn(memory.loadAcquire(layout.cpuBase + cpu * sizeOfCpu + Cpu.lease)) === task + 1,
  );
}

/** A slot for calls that the dead task had taken is free, unless its call is still to be run. */
function leaveCalls(machine: Machine, task: number): void {
  const { memory } = machine;
  for (const slot of slotsOf(machine, task)) {
    if (memory.loadAcquire(slot + CallSlot.pending) !== 0) continue;
    memory.storeRelease(slot + CallSlot.owner, 0);
    memory.notify(slot + CallSlot.owner);
  }
}

/** Whether a dead task still has the slot for calls to a CPU: others would wait for it in vain. */
export function isCalling(machine: Machine, task: number): boolean {
  return slotsOf(machine, task).length > 0;
}

/** The slots for calls and work that a task has taken. */
function slotsOf({ memory, layout, options }: Machine, task: number): Address[] {
  return Array.from({ length: options.cpus }, (_, cpu) => layout.cpuBase + cpu * sizeOfCpu)
    .flatMap((cpu) => [cpu + Cpu.call, cpu + Cpu.work])
    .filter((slot) => memory.loadAcquire(slot + CallSlot.owner) === task + 1);
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
