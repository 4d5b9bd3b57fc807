/**
 * Probabilistic concurrency testing: Burckhardt, Kothari, Musuvathi and Nagarakatte, "A Randomized
 * Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010.
 *
 * Contexts get random priorities and the highest runs, but for d - 1 change points among the k
 * decisions, where whoever runs drops below all others. One run finds a bug of depth d with a
 * probability of at least 1 / (n k^(d-1)).
 *
 * Deviations: k is not known beforehand, but one more than the decisions of the longest schedule so
 * far. A change point at which nobody could go on waits for the next decision at which somebody can.
 * Where the running context may migrate, a change point moves it to another CPU half the time. d goes
 * round from 2 to 4.
 */

import { RandomStream } from "../random.ts";
import { contextOf, type Runnable, type Scheduler } from "./scheduler.ts";

const SHALLOWEST = 2;
const DEPTHS = 3;
/** Decisions of a schedule before one is known; each schedule halves it. */
const FIRST_GUESS = 256;
/** Priorities of the beginning lie above this, those of change points below. */
const HIGH = 2 ** 32;

export class PctScheduler implements Scheduler {
  private readonly random = new RandomStream();
  private readonly seed: number;
  /** Number of the next schedule: each draws from a stream of its own. */
  private schedule = 0;
  /** By context, up to the last that could run so far. */
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
   * Where every point falls early, no schedule may ever be longer: so the first schedules draw from
   * many decisions, and a point may always lie behind the end.
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
      // Among several CPUs for one context the first is where it is.
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

  /** Half the time, where there is one: the choice that moves the running context. */
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
