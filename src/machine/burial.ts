/**
 * A thread that ended without a word. What it ran as is set free, unless it was in the middle of a
 * change there: with interrupts off, or in what it does between operations, a CPU's own data is
 * nobody else's to look at, as if it were locked. Such a CPU keeps its dead holder, and so do locks;
 * whoever waits for them is told.
 */
import { Cpu, sizeOfCpu, sizeOfTask, TASK_DEAD, Task } from "./cpus.ts";
import type { Machine } from "./machine.ts";

/** Buries task number `task`. Returns the CPUs that it has left in the middle of a change. */
export function bury({ memory, layout, options }: Machine, task: number): number[] {
  const at = layout.taskBase + task * sizeOfTask;
  // Nobody is to hand it a CPU; who is about to, does so before or finds it dead later.
  if (memory.xchg(at + Task.wanted, 0) !== 0) memory.add(layout.waiting, -1);
  const inMidChange =
    memory.loadAcquire(at + Task.irqsOff) !== 0 || memory.loadAcquire(at + Task.serving) !== 0;
  const held: number[] = [];
  for (let cpu = 0; cpu < options.cpus; cpu++) {
    const lease = layout.cpuBase + cpu * sizeOfCpu + Cpu.lease;
    if (memory.loadAcquire(lease) !== task + 1) continue;
    held.push(cpu);
    if (inMidChange) continue;
    memory.storeRelease(lease, 0);
    // What it was asked for is done as that CPU now.
    memory.kick(cpu);
  }
  memory.storeRelease(at + Task.state, TASK_DEAD);
  return inMidChange ? held : [];
}
