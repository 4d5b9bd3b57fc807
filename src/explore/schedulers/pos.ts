// SPDX-License-Identifier: MIT
/**
 * Partial order sampling: Yuan, Yang and Gu, "Partial Order Aware Concurrency Sampling", CAV 2018.
 *
 * Every pending access has a random priority, and the highest is done. Accesses that race with it (the
 * same word, one of the two a write) draw again, so that the order of each racing pair is decided
 * afresh, and orders that make no difference are not sampled twice.
 *
 * Deviation: a context has one pending access, whatever its CPU; when it is chosen, a coin decides
 * whether it migrates.
 */
import { isWithoutWord, isWrite } from "../kinds.ts";
import { RandomStream } from "../random.ts";
import { contextOf, type Pending, type Runnable, type Scheduler } from "./scheduler.ts";

export class PosScheduler implements Scheduler {
  private readonly random = new RandomStream();
  private readonly seed: number;
  /** Number of the next schedule: each draws from its own stream. */
  private schedule = 0;
  /** By context; 0: to be drawn. */
  private priorities: number[] = [];

  constructor(seed: number) {
    this.seed = seed;
  }

  begin(): boolean {
    this.random.restart(this.seed, this.schedule++);
    this.priorities = [];
    return true;
  }

  next(runnable: Runnable, _current: number, pending: readonly Pending[]): number {
    const { choices } = runnable;
    let best = 0;
    let highest = -1;
    for (let i = 0; i < choices.length; i++) {
      const priority = this.priorityOf(contextOf(choices[i] as number));
      if (priority > highest || (priority === highest && (this.random.next() & 1) === 0)) {
        highest = priority;
        best = i;
      }
    }
    const chosen = contextOf(choices[best] as number);
    for (let other = 0; other < pending.length; other++) {
      const races = areRacing(pending[chosen] as Pending, pending[other] as Pending);
      if (other === chosen || races) this.priorities[other] = 0;
    }
    return best;
  }

  private priorityOf(context: number): number {
    while (this.priorities.length <= context) this.priorities.push(0);
    const drawn = (this.priorities[context] as number) || this.random.next() + 1;
    this.priorities[context] = drawn;
    return drawn;
  }
}

function areRacing(one: Pending, other: Pending): boolean {
  if (isWithoutWord(one.pendingKind) || isWithoutWord(other.pendingKind)) return false;
  if (!isWrite(one.pendingKind) && !isWrite(other.pendingKind)) return false;
  // A pair of words that is swapped as one is 8-aligned.
  return one.pendingAddress >>> 3 === other.pendingAddress >>> 3;
}
