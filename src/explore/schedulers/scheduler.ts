/**
 * What decides who goes on. A scheduler sees who can run, who has just run, and what each context
 * would do next; it is asked wherever there is a choice, and keeps no other state of the run.
 */
import type { Address } from "../../machine/memory.ts";

/**
 * Who can run, as parallel lists. The one that goes on where it is comes first, if it can.
 *
 *      31 ........ 8 7 ....... 0
 *     +-------------+-----------+
 *     |    CPU      |  context  |      a choice
 *     +-------------+-----------+
 */
export interface Runnable {
  readonly choices: readonly number[];
  /** Preemptions each would be: leaving a runnable context, starting an interrupt, migrating. */
  readonly costs: readonly number[];
}

export const choiceOf = (context: number, cpu: number): number => (cpu << 8) | context;
export const contextOf = (choice: number): number => choice & 0xff;
export const cpuOf = (choice: number): number => choice >>> 8;

/** What a context does next. */
export interface Pending {
  readonly pendingKind: number;
  readonly pendingAddress: Address;
}

/** Instead of an index: the state has been seen, nothing new can come of this schedule. */
export const PRUNE = -1;

export interface Scheduler {
  /** Another schedule begins. False: there is none left that this scheduler would try. */
  begin(): boolean;
  /**
   * Index of the choice to run. `current` is the index of the context that has just run and could go
   * on where it is (always 0), or -1; `pending` is indexed by context.
   */
  next(runnable: Runnable, current: number, pending: readonly Pending[]): number;
}
