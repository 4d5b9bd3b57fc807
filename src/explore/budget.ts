// SPDX-License-Identifier: MIT
/** The budget of a search, and its progress. */
import { now, platform } from "../machine/platform.ts";

/** The largest bound that was searched to completion without a failure. */
export interface Complete {
  readonly preemptions: number;
  /** Schedules run for it, including those cut short. */
  readonly schedules: number;
}

/** The bound to which all of several searches are complete; undefined if one is not. */
export function leastComplete(
  searches: readonly ({ readonly complete: Complete | undefined } | undefined)[],
): Complete | undefined {
  let least: Complete | undefined;
  for (const search of searches) {
    if (search?.complete === undefined) return undefined;
    const { preemptions, schedules } = search.complete;
    least = {
      preemptions: Math.min(preemptions, least?.preemptions ?? preemptions),
      schedules: schedules + (least?.schedules ?? 0),
    };
  }
  return least;
}

export interface Progress {
  readonly schedules: number;
  readonly seconds: number;
  readonly complete: Complete | undefined;
}

const PROGRESS_EVERY_SECONDS = 0.25;

/**
 * CPU time of this thread, in seconds; wall-clock time where the platform (a page, Node before 23.9)
 * has no such clock.
 */
function threadCpuSeconds(): number {
  const usage = platform.process?.threadCpuUsage?.();
  return usage === undefined ? now() / 1000 : (usage.user + usage.system) / 1e6;
}

/** Schedules and wall-clock time: the first to run out ends a search. */
export class Budget {
  private readonly start = now();
  private readonly cpuStart = threadCpuSeconds();
  private readonly seconds: number;
  private readonly limit: number;
  private readonly tell: ((progress: Progress) => boolean | undefined) | undefined;
  private toldAt = 0;
  private isEnded = false;
  schedules = 0;
  steps = 0;
  complete: Complete | undefined;

  /** `tell` hears of the progress a few times a second; if it answers false, the budget is spent. */
  constructor(
    schedules = Number.POSITIVE_INFINITY,
    seconds = Number.POSITIVE_INFINITY,
    tell?: (progress: Progress) => boolean | undefined,
  ) {
    this.limit = schedules;
    this.seconds = seconds;
    this.tell = tell;
  }

  /** One more schedule has been run. */
  spend(steps: number): void {
    this.schedules++;
    this.steps += steps;
    if (this.tell === undefined || this.secondsElapsed < this.toldAt) return;
    const { schedules, secondsElapsed: seconds, complete } = this;
    this.toldAt = seconds + PROGRESS_EVERY_SECONDS;
    this.isEnded = this.tell({ schedules, seconds, complete }) === false;
  }

  get secondsElapsed(): number {
    return (now() - this.start) / 1000;
  }

  /** CPU time of this thread, in seconds: other load on the machine does not count. */
  get cpuSecondsElapsed(): number {
    return threadCpuSeconds() - this.cpuStart;
  }

  /** Whether this share of the budget, 0 to 1, is gone. */
  isSpent(share = 1): boolean {
    if (this.isEnded || this.schedules >= this.limit * share) return true;
    return this.secondsElapsed >= this.seconds * share;
  }
}
