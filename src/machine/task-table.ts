// SPDX-License-Identifier: MIT
/** The descriptors of tasks as a thread looks at them: its own, and that of a task it waits for. */
import { sizeOfTask, TASK_DEAD, TASK_NONE, Task } from "./cpus.ts";
import type { Address } from "./memory.ts";

export class TaskTable {
  declare private readonly words: Int32Array;
  declare private readonly base: Address;

  constructor(words: Int32Array, base: Address) {
    this.words = words;
    this.base = base;
  }

  /** Index of a task's word. */
  indexOf(task: number, field: number): number {
    return (this.base + task * sizeOfTask + field) >> 2;
  }

  /** The CPU that a task runs as, or last ran as; -1: none yet. */
  lastCpu(task: number): number {
    return (this.words[this.indexOf(task, Task.cpu)] as number) - 1;
  }

  isDead(task: number): boolean {
    return this.words[this.indexOf(task, Task.state)] === TASK_DEAD;
  }

  /** The number of the task is free again. */
  release(task: number): void {
    Atomics.store(this.words, this.indexOf(task, Task.state), TASK_NONE);
  }

  /** What a report calls the holder of a lock: task number + 1; 0: not known. */
  nameOf(holder: number): string {
    if (holder <= 0) return "the CPU that was asked";
    return `CPU ${this.lastCpu(holder - 1)} (task ${holder - 1})`;
  }
}
