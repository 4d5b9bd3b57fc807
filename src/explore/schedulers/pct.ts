// SPDX-License-Identifier: MIT
/**
 * Probabilistic concurrency testing: Burckhardt, Kothari, Musuvathi and Nagarakatte, "A Randomized
 * Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010.
 *
 * Contexts get random priorities, and the highest runs. At d - 1 change points among the k decisions
 * the running context drops below all others. One run finds a bug of depth d with a probability of at
 * least 1 / (n k^(d-1)).
 *
 * Deviations: k is not known beforehand; it is one more than the decisions of the longest schedule so
 * far. A change point at which the running context could not go on anyway waits for the next decision
 * at which it can. If the running context may migrate, a change point moves it to another CPU half the
 * time. d cycles from 2 to 4.
 */

import { RandomStream } from "../random.ts";
import { contextOf, type Runnable, type Scheduler } from "./scheduler.ts";

const SHALLOWEST = 2;
const DEPTHS = 3;
/** Assumed decisions of the first schedule; each schedule halves the assumption. */
const FIRST_GUESS = 256;
/** Initial priorities lie above this, those given at change points below. */
const HIGH = 2 ** 32;

export class PctScheduler implements Scheduler {
  private readonly random = new RandomStream();
  private readonly seed: number;
  /** Number of the next schedule: each draws from its own stream. */
  private schedule = 0;
  /** By context, up to the highest number that could run so far. */
  private priorities: number[] = [];
  /** Decisions at which the running context drops, all different, the next one last. */
  private changePoints: number[] = [];
  private decisions = 0;
  /** The most decisions of a schedule so far. */
  private longest = 1;
  private lowest = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  begin(): boolean {
    this.longest = Math.max(this.longest, this.decisions);
    const depth = SHALLOWEST + (this.schedule % DEPTHS);
    this.random.restart(this.seed, this.schedule++);
    this.priorities = [];
    this.changePoints = this.drawPoints(depth - 1);
    this.decisions = 0;
    this.lowest = HIGH;
    return true;
  }

  /**
   * If every point fell early, no schedule might ever become longer. So the first schedules draw from
   * many decisions, and a point may always lie beyond the end.
   */
  private drawPoints(count: number): number[] {
    const k = Math.max(this.longest + 1, Math.floor(FIRST_GUESS / 2 ** this.schedule));
    const points = new Set<number>();
    while (points.size < Math.min(count, k)) points.add(this.random.below(k));
    return [...points].sort((a, b) => b - a);
  }

  next(runnable: Runnable, current: number): number {
    const { choices, costs } = runnable;
    const decision = this.decisions++;
    const point = this.changePoints.at(-1);
    if (current >= 0 && point !== undefined && point <= decision) {
      this.changePoints.pop();
      const running = contextOf(choices[current] as number);
      const moved = this.otherCpu(choices, running, current);
      if (moved >= 0) return moved;
      this.priorities[running] = --this.lowest;
    }
    let best = -1;
    let highest = 0;
    for (let i = 0; i < choices.length; i++) {
      const context = contextOf(choices[i] as number);
      const priority = this.priorityOf(context);
      // Of several CPUs for one context its present one comes first.
      if (priority > highest || (priority === highest && this.isCheaper(costs, i, best))) {
        highest = priority;
        best = i;
      }
    }
    return best;
  }

  private isCheaper(costs: readonly number[], i: number, best: number): boolean {
    return best >= 0 && (costs[i] as number) < (costs[best] as number);
  }

  private priorityOf(context: number): number {
    while (this.priorities.length <= context) {
      this.priorities.push(HIGH + 1 + this.random.next());
    }
    return this.priorities[context] as number;
  }

  /** Half the time, a choice that moves the running context, if there is one; else -1. */
  private otherCpu(choices: readonly number[], running: number, current: number): number {
    let others = 0;
    for (let i = 0; i < choices.length; i++) {
      if (i !== current && contextOf(choices[i] as number) === running) others++;
    }
    if (others === 0 || (this.random.next() & 1) === 0) return -1;
    let wanted = this.random.below(others);
    for (let i = 0; i < choices.length; i++) {
      if (i === current || contextOf(choices[i] as number) !== running) continue;
      if (wanted-- === 0) return i;
    }
    return -1;
  }
}
