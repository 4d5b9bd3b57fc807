// SPDX-License-Identifier: MIT
/**
 * Replay: follows a recorded schedule segment by segment. Every point asks, so that steps are counted
 * as in the token. A schedule that does not fit is stale.
 */
import {
  choiceOf,
  contextOf,
  OTHER_WAY,
  type Pending,
  type Runnable,
  type Scheduler,
  withoutWay,
} from "./scheduler.ts";

/**
 * `context` passes so many points on `cpu`, one after the other. The first of these steps goes another way
 * if OTHER_WAY is added to the CPU: see scheduler.ts.
 */
export interface Segment {
  readonly context: number;
  readonly cpu: number;
  readonly steps: number;
}

/** The schedule no longer fits the program. */
export class StaleSchedule extends Error {
  constructor(why: string) {
    super(`stale schedule: ${why}`);
    this.name = "StaleSchedule";
  }
}

export class ReplayScheduler implements Scheduler {
  private readonly segments: readonly Segment[];
  private at = 0;
  private left = 0;
  private isFirstStep = true;
  private hasBegun = false;

  constructor(segments: readonly Segment[]) {
    this.segments = segments;
  }

  /** There is one schedule. */
  begin(): boolean {
    const isFirst = !this.hasBegun;
    this.hasBegun = true;
    this.at = 0;
    this.isFirstStep = true;
    this.left = this.segments[0]?.steps ?? 0;
    return isFirst;
  }

  next(runnable: Runnable, _current: number, pending: readonly Pending[]): number {
    if (this.left === 0) {
      this.at++;
      this.isFirstStep = true;
      this.left = this.segments[this.at]?.steps ?? 0;
    }
    const segment = this.segments[this.at];
    if (segment === undefined) {
      // A search lets no store wait to a word of one context; here every store does. Nobody looks.
      const isDrain = (choice: number): boolean => pending[contextOf(choice)]?.kind === "buffer";
      if (runnable.choices.every(isDrain)) return 0;
      throw new StaleSchedule(`after ${this.at} segments the program still runs`);
    }
    const isDrain = pending[segment.context]?.kind === "buffer";
    const cpu = this.isFirstStep || isDrain ? segment.cpu : withoutWay(segment.cpu);
    this.isFirstStep = false;
    const index = runnable.choices.indexOf(choiceOf(segment.context, cpu));
    if (index < 0) {
      throw new StaleSchedule(
        cpu >= OTHER_WAY && !isDrain
          ? `in segment ${this.at + 1} context ${segment.context} has no such other way`
          : `in segment ${this.at + 1} context ${segment.context} cannot run on CPU ${cpu}`,
      );
    }
    this.left--;
    return index;
  }

  /** The run has ended: all of the schedule must have been used. */
  checkIsUsedUp(): void {
    if (this.left === 0 && this.at >= this.segments.length - 1) return;
    throw new StaleSchedule(`the run ended in segment ${this.at + 1} of ${this.segments.length}`);
  }
}
