// SPDX-License-Identifier: MIT
/**
 * Atomics.wait and notify. Waiting and being woken are state of the program, so the list of waiters
 * lies in the explored memory: three words a task.
 *
 *     place    the address it waits on, 0: it does not wait
 *     turn     its place in the list: waiters are woken in the order in which they came
 *     limit    its time limit in milliseconds, NEVER if it has none
 *
 * Whether a time limit passes before another task acts is chance. Here it passes only when no task
 * can go on, the shortest limit first.
 */
import type { Address } from "../../machine/memory.ts";
import type { ExploredMemory } from "../explored-memory.ts";
import type { Words } from "../explored-words.ts";

const PLACE = 0;
const TURN = 4;
const LIMIT = 8;
const BYTES_PER_TASK = 16;

const NEVER = -1;
/** A place at which a task finds that its limit has passed. */
const EXPIRED = -1;
/** About 24 days; longer limits are as good as none. */
const LONGEST = 2 ** 31 - 1;

export type WaitAnswer = "ok" | "not-equal" | "timed-out";

export class WaitList {
  private readonly memory: ExploredMemory;
  private readonly base: Address;
  private readonly tasks: number;

  /** Bytes that the list needs in the explored memory. */
  static roomFor(tasks: number): number {
    return tasks * BYTES_PER_TASK;
  }

  constructor(memory: ExploredMemory, base: Address, tasks: number) {
    this.memory = memory;
    this.base = base;
    this.tasks = tasks;
  }

  /** Waits on the element of `bytes` bytes at `at` while `isEqual` says so of its words. */
  wait(
    at: Address,
    bytes: number,
    isEqual: (low: number, high: number) => boolean,
    milliseconds: number,
  ): WaitAnswer {
    const { memory } = this;
    const own = this.slot(memory.current());
    const limit = milliseconds >= LONGEST ? NEVER : Math.max(0, Math.ceil(milliseconds));
    const [waits] = memory.atomically(at, bytes, (words) => {
      if (!isEqual(words.read(at), bytes === 8 ? words.read(at + 4) : 0)) return [0, 0];
      if (limit === 0) return [1, 0];
      words.write(own + TURN, this.lastTurn(words) + 1);
      words.write(own + LIMIT, limit);
      words.write(own + PLACE, at);
      return [1, 0];
    });
    if (waits === 0) return "not-equal";
    if (limit === 0) return "timed-out";
    memory.waitWhile(own + PLACE, at);
    const found = memory.xchg(own + PLACE, 0);
    return found === EXPIRED ? "timed-out" : "ok";
  }

  /** Wakes up to `most` tasks that wait at `at`, the longest waiting first. Returns how many. */
  notify(at: Address, bytes: number, most: number): number {
    const [woken] = this.memory.atomically(at, bytes, (words) => {
      const waiting = this.slots
        .filter((slot) => words.read(slot + PLACE) === at)
        .sort((a, b) => words.read(a + TURN) - words.read(b + TURN))
        .slice(0, Math.min(most, this.tasks));
      for (const slot of waiting) words.write(slot + PLACE, 0);
      return [waiting.length, 0];
    });
    return woken;
  }

  /** No task can go on: the shortest time limit passes. False: nobody has one. */
  expire(): boolean {
    const { memory } = this;
    const limited = this.slots.filter(
      (slot) => memory.peek(slot + PLACE) > 0 && memory.peek(slot + LIMIT) !== NEVER,
    );
    const [first] = limited.sort((a, b) => memory.peek(a + LIMIT) - memory.peek(b + LIMIT));
    if (first === undefined) return false;
    memory.write32(first + PLACE, EXPIRED);
    return true;
  }

  /** The task whose words these are; undefined: the address is outside of the list. */
  taskAt(address: Address): number | undefined {
    const task = Math.floor((address - this.base) / BYTES_PER_TASK);
    return task >= 0 && task < this.tasks ? task : undefined;
  }

  /** What the task waits on, for reports; 0: nothing. */
  placeOf(task: number): Address {
    return this.memory.peek(this.slot(task) + PLACE);
  }

  private slot(task: number): Address {
    return this.base + task * BYTES_PER_TASK;
  }

  private get slots(): Address[] {
    return Array.from({ length: this.tasks }, (_, task) => this.slot(task));
  }

  private lastTurn(words: Words): number {
    const turns = this.slots
      .filter((slot) => words.read(slot + PLACE) !== 0)
      .map((slot) => words.read(slot + TURN));
    return Math.max(0, ...turns);
  }
}
