// SPDX-License-Identifier: MIT
/**
 * Iterative preemption bounding: Musuvathi and Qadeer, "Iterative Context Bounding for Systematic
 * Testing of Multithreaded Programs", PLDI 2007 (CHESS). Depth-first over all schedules with at most
 * so many preemptions: when `begin` says that none is left, every one of them has been run.
 *
 * A schedule whose state was met before, with at least as much of the budget left, is cut short:
 * all that could follow it has been run. (Without the second condition outcomes would be lost.) States
 * are compared by a 53-bit hash.
 */
import { PRUNE, type Runnable, type Scheduler } from "./scheduler.ts";

/** States that are remembered; further ones are run each time they are met. About 0.5 GB. */
const MOST_STATES = 8_000_000;

export class BoundScheduler implements Scheduler {
  private readonly bound: number;
  private readonly stateKey: (() => number) | undefined;
  /** For each decision on the present path: the option chosen, and the number of options. */
  private readonly chosen: number[] = [];
  private readonly options: number[] = [];
  /** State, to the largest budget with which it was met. */
  private readonly seen = new Map<number, number>();
  private depth = 0;
  private left = 0;
  private isFirst = true;

  /** `stateKey` hashes the present state; without it nothing is cut short. */
  constructor(bound: number, stateKey?: () => number) {
    this.bound = bound;
    this.stateKey = stateKey;
  }

  begin(): boolean {
    if (!this.isFirst && !this.advance()) return false;
    this.isFirst = false;
    this.depth = 0;
    this.left = this.bound;
    return true;
  }

  /** Turns to the next path: the last decision that has another option takes it. */
  private advance(): boolean {
    const { chosen, options } = this;
    for (;;) {
      const last = chosen.length - 1;
      if (last < 0) return false;
      const option = (chosen[last] as number) + 1;
      if (option >= (options[last] as number)) {
        chosen.pop();
        options.pop();
        continue;
      }
      chosen[last] = option;
      return true;
    }
  }

  next(runnable: Runnable, current: number): number {
    const { costs } = runnable;
    // With no preemption left, the running context goes on as long as it can, whatever chance decides.
    if (this.left === 0 && current >= 0 && costs[1] !== 0) return current;
    const { left } = this;
    let options = 0;
    for (let i = 0; i < costs.length; i++) if ((costs[i] as number) <= left) options++;
    if (options === 0) return this.cheapest(costs);
    const option = options === 1 ? 0 : this.decide(options);
    if (option < 0) return PRUNE;
    const index = this.nth(costs, option);
    this.left -= costs[index] as number;
    return index;
  }

  /** No choice is free and no preemption is left: an unavoidable preemption costs no budget. */
  private cheapest(costs: readonly number[]): number {
    let best = 0;
    for (let i = 1; i < costs.length; i++) {
      if ((costs[i] as number) < (costs[best] as number)) best = i;
    }
    return best;
  }

  private nth(costs: readonly number[], option: number): number {
    let n = option;
    for (let i = 0; i < costs.length; i++) {
      if ((costs[i] as number) <= this.left && n-- === 0) return i;
    }
    throw new RangeError(`there is no option ${option}`);
  }

  private decide(options: number): number {
    const { chosen, depth } = this;
    if (depth === chosen.length) {
      if (this.wasSeen()) return PRUNE;
      chosen.push(0);
      this.options.push(options);
    }
    this.depth = depth + 1;
    return chosen[depth] as number;
  }

  private wasSeen(): boolean {
    if (this.stateKey === undefined) return false;
    const key = this.stateKey();
    const budget = this.seen.get(key);
    if (budget !== undefined && budget >= this.left) return true;
    if (this.seen.size < MOST_STATES) this.seen.set(key, this.left);
    return false;
  }
}
