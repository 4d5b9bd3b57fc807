// SPDX-License-Identifier: MIT
/**
 * A scheduler decides which context goes on. It sees the contexts that can run, the one that has just
 * run, and the next access of each. It is asked wherever there is a choice, and has no other view of
 * the run.
 */
import { MAX_CPUS } from "../../machine/cpus.ts";
import type { Address } from "../../machine/memory.ts";
import type { ContextKind } from "../context.ts";

/**
 * The choices, as parallel lists. The context that has just run comes first if it can go on where it is.
 *
 *      31 ........ 8 7 ....... 0
 *     +-------------+-----------+
 *     |    CPU      |  context  |      a choice
 *     +-------------+-----------+
 *
 * Where chance decides in the next step of a context, a second choice has OTHER_WAY added to its CPU.
 * Where that step may load an older value, further choices have it added once or more often.
 */
export interface Runnable {
  readonly choices: readonly number[];
  /** Preemptions of each choice: leaving a runnable context, starting an interrupt, migrating. */
  readonly costs: readonly number[];
}

export const choiceOf = (context: number, cpu: number): number => (cpu << 8) | context;
export const contextOf = (choice: number): number => choice & 0xff;
/** The CPU of a choice, with OTHER_WAY; of a buffer's choice, the number of a store. */
export const cpuOf = (choice: number): number => choice >>> 8;

export const OTHER_WAY = MAX_CPUS;
/** How often OTHER_WAY was added. */
export const wayOf = (cpu: number): number => Math.floor(cpu / OTHER_WAY);
/** The CPU alone. */
export const withoutWay = (cpu: number): number => cpu & (OTHER_WAY - 1);

/** The next access of a context. */
export interface Pending {
  readonly kind: ContextKind;
  readonly pendingKind: number;
  readonly pendingAddress: Address;
}

/** Instead of an index: the state was seen before, so this schedule can show nothing new. */
export const PRUNE = -1;

export interface Scheduler {
  /** It is also asked where only one context can go on, and that is not the one that has just run. */
  readonly asksAlone?: boolean;
  /** Another schedule begins. False: this scheduler has no further one. */
  begin(): boolean;
  /**
   * Index of the choice to run. `current` is the index of the context that has just run, if it could
   * go on where it is (always 0), else -1; `pending` is indexed by context.
   */
  next(runnable: Runnable, current: number, pending: readonly Pending[]): number;
}
