// SPDX-License-Identifier: MIT
/**
 * The order in which calls began and ended in one schedule. It is state of the program, since a later
 * check depends on it, so it lies in the explored memory: a count, and one word an event.
 */
import type { Address } from "../../machine/memory.ts";
import type { ExploredMemory } from "../explored-memory.ts";

export interface HistoryEvent {
  readonly task: number;
  /** The task's calls are numbered from 0. */
  readonly call: number;
  readonly what: "begins" | "ends";
}

const ENDS = 1;

export class History {
  private readonly memory: ExploredMemory;
  private readonly base: Address;

  /** Bytes of explored memory for so many calls. */
  static roomFor(calls: number): number {
    return 4 + calls * 8;
  }

  constructor(memory: ExploredMemory, base: Address) {
    this.memory = memory;
    this.base = base;
  }

  begins(task: number, call: number): void {
    this.note(task, call, 0);
  }

  ends(task: number, call: number): void {
    this.note(task, call, ENDS);
  }

  /** An operation that runs again notes again what it has noted: only the first time counts. */
  private note(task: number, call: number, ends: number): void {
    const { memory, base } = this;
    const event = (((task << 12) | call) << 1) | ends | (1 << 30);
    const count = memory.peek(base);
    for (let i = 0; i < count; i++) if (memory.peek(base + 4 + 4 * i) === event) return;
    memory.inspect(() => {
      memory.write32(base + 4 + 4 * count, event);
      memory.write32(base, count + 1);
    });
  }

  get events(): HistoryEvent[] {
    const { memory, base } = this;
    return Array.from({ length: memory.peek(base) }, (_, i) => {
      const event = memory.peek(base + 4 + 4 * i);
      const call = (event >> 1) & 0xfff;
      return { task: (event >> 13) & 0xffff, call, what: event & ENDS ? "ends" : "begins" };
    });
  }
}
