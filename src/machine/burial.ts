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
  dyingBy,
  holderIn,
  isDying,
  promiseIn,
  REFUSED,
  sizeOfCpu,
  sizeOfTask,
  TASK_DEAD,
  TASK_NUMBERS,
  TASK_RUNNING,
  Task,
  undertakerIn,
} from "./cpus.ts";
import type { Machine } from "./machine.ts";
import type { Address } from "./memory.ts";

/**
 * Buries task number `task`, whose thread has ended, unless another thread has. Returns the CPUs that
 * it has left in the middle of a change.
 */
export function bury(machine: Machine, task: number): number[] {
  // Before the search for its leases: a granter that hands it one now sees the state and takes the
  // lease back. The task itself, should it be alive, finds out at its next look.
  if (begin(machine, task)) release(machine, task);
  return cpusHeldBy(machine, task);
}

/**
 * Makes this task the undertaker; false where another one has done it all. From an undertaker that
 * has died the next one takes over, and does each step again.
 */
function begin(machine: Machine, task: number): boolean {
  const { memory } = machine;
  const at = stateOf(machine, task);
  for (;;) {
    const state = memory.loadAcquire(at);
    const undertaker = undertakerIn(state);
    const isLeft =
      undertaker >= 0 && memory.loadAcquire(stateOf(machine, undertaker)) !== TASK_RUNNING;
    if (state === TASK_RUNNING || isLeft) {
      if (memory.cmpxchg(at, state, dyingBy(memory.current())) === state) return true;
    } else if (isDying(state)) {
      memory.waitWhile(at, state);
    } else {
      return false;
    }
  }
}

/** The tasks that task number `dead` was burying when it died. */
export function leftBy(machine: Machine, dead: number): number[] {
  return Array.from({ length: TASK_NUMBERS }, (_, task) => task).filter(
    (task) => undertakerIn(machine.memory.loadAcquire(stateOf(machine, task))) === dead,
  );
}

function stateOf({ layout }: Machine, task: number): Address {
  return layout.taskBase + task * sizeOfTask + Task.state;
}

function release(machine: Machine, task: number): void {
  const { memory, layout, options } = machine;
  const at = layout.taskBase + task * sizeOfTask;
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
