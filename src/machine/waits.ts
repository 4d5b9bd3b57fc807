// SPDX-License-Identifier: MIT
/**
 * What each task sleeps for, told to the others. So a task that waits for another one, which waits in
 * turn, finds who is at the end; where that one is dead, none of them goes on.
 *
 *     task 5 --lock--> task 3 --work on CPU 0--> CPU 0, held by dead task 1
 *
 * A request of a CPU is met by whoever has its lease. Of other words the caller knows the holder.
 *
 *      31 .................... 8   7 ........ 0
 *     +-------------------------+--------------+
 *     |  value that is waited   |  holder + 1, |     Task.waitsFor, beside the word, Task.waitsAt
 *     |  on, its low bits       |  0: unknown  |
 *     +-------------------------+--------------+
 */
import { CallSlot, Cpu, holderIn, sizeOfCpu, TASK_NUMBERS, Task } from "./cpus.ts";
import type { Address } from "./memory.ts";
import type { MachinePlaces } from "./running-context.ts";
import type { TaskTable } from "./task-table.ts";

const VALUE_SHIFT = 8;
const HOLDER_MASK = (1 << VALUE_SHIFT) - 1;

/** Where the slots of a CPU say who has them. */
const OWNERS = [Cpu.call + CallSlot.owner, Cpu.work + CallSlot.owner];

/** A wait: for the word at `at` to differ from `value`, which `holder` (task number + 1) is to change. */
export interface Wait {
  readonly at: Address;
  readonly value: number;
  readonly holder: number;
}

export class Waits {
  declare private readonly words: Int32Array;
  declare private readonly places: MachinePlaces;
  declare private readonly tasks: TaskTable;

  constructor(words: Int32Array, places: MachinePlaces, tasks: TaskTable) {
    this.words = words;
    this.places = places;
    this.tasks = tasks;
  }

  private load(at: Address): number {
    return Atomics.load(this.words, at >> 2);
  }

  begin(task: number, { at, value, holder }: Wait): void {
    const { words, tasks } = this;
    // In this order: who sees the address sees what belongs to it, or to a later wait.
    Atomics.store(words, tasks.indexOf(task, Task.waitsFor), (value << VALUE_SHIFT) | holder);
    Atomics.store(words, tasks.indexOf(task, Task.waitsAt), at);
  }

  end(task: number): void {
    Atomics.store(this.words, this.tasks.indexOf(task, Task.waitsAt), 0);
  }

  /** Number + 1 of the task that must act for this wait to end; 0: not known. */
  private actor(at: Address, holder: number): number {
    const { cpuBase, taskBase } = this.places;
    if (at < cpuBase || at >= taskBase) return holder;
    return holderIn(this.load(at - ((at - cpuBase) % sizeOfCpu) + Cpu.lease));
  }

  /** The same for the wait that a task is in; 0 also where it is in none. */
  private actorOf(task: number): number {
    const at = Atomics.load(this.words, this.tasks.indexOf(task, Task.waitsAt));
    if (at === 0) return 0;
    const what = Atomics.load(this.words, this.tasks.indexOf(task, Task.waitsFor));
    // Its word has changed: it is about to wake.
    if ((this.load(at) ^ (what >> VALUE_SHIFT)) << VALUE_SHIFT !== 0) return 0;
    return this.actor(at, what & HOLDER_MASK);
  }

  /** Number + 1 of the task at the end of the chain of waits, dead or not waiting itself; 0: not known. */
  last({ at, holder }: Wait): number {
    let found = this.actor(at, holder);
    // Tasks that wait for each other in a circle have no end.
    for (let i = 0; i < TASK_NUMBERS && found !== 0 && !this.tasks.isDead(found - 1); i++) {
      const next = this.actorOf(found - 1);
      if (next === 0) break;
      found = next;
    }
    return found;
  }

  /** Number + 1 of a dead task that the wait will never get past; 0: none. */
  deadBehind(wait: Wait): number {
    const dead = this.last(wait);
    if (dead === 0 || !this.tasks.isDead(dead - 1)) return 0;
    // It may have let go just before it died: what still names it now will do so for ever.
    return this.last(wait) === dead && this.load(wait.at) === wait.value ? dead : 0;
  }

  /** Frees a slot for calls whose owner has died; its call has been run. False: it is no such slot. */
  freeSlot({ at, value, holder }: Wait): boolean {
    const { cpuBase, taskBase } = this.places;
    if (at >= taskBase || !OWNERS.includes((at - cpuBase) % sizeOfCpu)) return false;
    if (!this.tasks.isDead(holder - 1)) return false;
    if (this.load(at + CallSlot.pending - CallSlot.owner) !== 0) return false;
    // Of several waiters one frees it; by then the next owner may have it, whose word is another.
    return Atomics.compareExchange(this.words, at >> 2, value, 0) === value;
  }
}
