// SPDX-License-Identifier: MIT
/** The descriptors of tasks as a thread looks at them: its own, and that of a task it waits for. */
import {
  dyingBy,
  sizeOfTask,
  TASK_DEAD,
  TASK_NONE,
  TASK_NUMBERS,
  TASK_RUNNING,
  Task,
} from "./cpus.ts";
import type { Address } from "./memory.ts";

export class TaskTable {
  declare private readonly words: Int32Array;
  declare private readonly base: Address;

  constructor(words: Int32Array, base: Address) {
    this.words = words;
    this.base = base;
  }

  /** Numbers of the tasks whose threads have them, or are about to give them back. */
  taken(): number[] {
    return Array.from({ length: TASK_NUMBERS }, (_, task) => task).filter((task) => {
      const state = Atomics.load(this.words, this.indexOf(task, Task.state));
      return state === TASK_RUNNING || state === dyingBy(task);
    });
  }

  /** Index of a task's word. */
  indexOf(task: number, field: number): number {
    return (this.base + task * sizeOfTask + field) >> 2;
  }

  /** The CPU that a task runs as, or last ran as; -1: none yet. */
  lastCpu(task: number): number {
    return (this.words[this.indexOf(task, Task.cpu)] as number) - 1;
  }

  /** No task enters the CPU that it keeps without a closer look. */
  recallAll(): void {
    for (let task = 0; task < TASK_NUMBERS; task++) {
      Atomics.store(this.words, this.indexOf(task, Task.recalled), 1);
    }
  }

  /** Whether nobody is behind a number that a lock, say, still names. */
  isDead(task: number): boolean {
    const state = Atomics.load(this.words, this.indexOf(task, Task.state));
    return state === TASK_DEAD || state === TASK_NONE;
  }

  /** What a report calls the holder of a lock: task number + 1; 0: not known. */
  nameOf(holder: number): string {
    if (holder <= 0) return "the CPU that was asked";
    return `CPU ${this.lastCpu(holder - 1)} (task ${holder - 1})`;
  }
}
