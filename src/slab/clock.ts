// SPDX-License-Identifier: GPL-2.0-only
/**
 * Time as SLAB knows it: jiffies, told by the driver of the machine (Reaper.tick), never looked up.
 * Without a driver that tells, time stands still and nothing is reaped.
 */
import type { Address, Memory } from "../machine/memory.ts";
import { struct, word } from "../machine/struct.ts";
import type { SlabContext } from "./slab-context.ts";
import type { KmemCachePtr } from "./structs.ts";

/** Jiffies a second. */
export const HZ = 250;
/** How often a CPU's arrays, and a node's shared array and free slabs, are looked at. */
export const REAPTIMEOUT_AC = 2 * HZ;
export const REAPTIMEOUT_NODE = 4 * HZ;

const ClockWords = struct("slab_clock", { jiffies: word });

/** The parts of a SLAB that it uses. */
export interface ClockParts {
  readonly context: SlabContext;
}

export class Clock {
  declare private readonly memory: Memory;
  declare private readonly words: Address;

  constructor(parts: ClockParts) {
    this.memory = parts.context.memory;
    this.words = parts.context.machine.statics.allocate(ClockWords, "slab_clock");
  }

  get jiffies(): number {
    return this.memory.readOnce(this.words + ClockWords.jiffies);
  }

  /** CPUs that tell the time need not agree to the tick: it never goes back. */
  advance(jiffies: number): void {
    if (((jiffies - this.jiffies) | 0) <= 0) return;
    this.memory.writeOnce(this.words + ClockWords.jiffies, jiffies);
  }

  /** When a new node is first looked at: caches are spread by their addresses. */
  firstReap(s: KmemCachePtr): number {
    return (this.jiffies + REAPTIMEOUT_NODE + (s % REAPTIMEOUT_NODE)) | 0;
  }

  /** time_after_eq(jiffies, then), through the wrap of the counter. */
  hasCome(then: number): boolean {
    return ((this.jiffies - then) | 0) >= 0;
  }
}
