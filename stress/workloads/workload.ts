// SPDX-License-Identifier: GPL-2.0-only
/**
 * A workload is a story, the caches that its tasks share, and a player for each task. A player
 * keeps the objects that it holds in its own lists; a step is some dozens of operations, after
 * which the task may be asked to stop. Everything follows from the task's random course, so that
 * with one seed the tasks do the same, and only the threads' timing differs.
 */
import type { TortureRates } from "../../src/machine/tortured-memory.ts";
import type { Driver } from "../driver.ts";

export interface CacheWish {
  readonly size: number;
  readonly flags?: number;
}

export interface Player {
  step(): void;
  /** Gives back all that it holds. */
  finish(): void;
}

export interface Workload {
  readonly name: string;
  /** One line: the operations, and the part of the allocator that they are meant for. */
  readonly story: string;
  readonly caches: readonly CacheWish[];
  /** The machine has watermarks and reserves. */
  readonly reserves?: boolean;
  /** How often its operations are interrupted, moved and delayed where the user says nothing. */
  readonly rates: TortureRates;
  /** It has page allocations fail on purpose. */
  readonly failsPages?: boolean;
  start(driver: Driver): Player;
}
