// SPDX-License-Identifier: MIT
/** The budget of a search, and its progress. */
import { now, platform } from "../machine/platform.ts";

/** In place of a number of preemptions: there is no bound, every interleaving passes. */
export const ANY_NUMBER = Number.MAX_SAFE_INTEGER;

/** The largest bound that was searched to completion without a failure. */
export interface Complete {
  /** Or ANY_NUMBER. */
  readonly preemptions: number;
  /** Schedules run for it, including those cut short. */
  readonly schedules: number;
}

/**
 * The largest bound to which all of several searches are complete, with their schedules of that very
 * bound; undefined if one search has completed none. `bounds`: those of each search, ascending.
 */
export function leastComplete(searches: readonly (readonly Complete[])[]): Complete | undefined {
  const deepest = searches.map((bounds) => bounds.at(-1)?.preemptions ?? -1);
  const preemptions = Math.min(...deepest);
  if (searches.length === 0 || preemptions < 0) return undefined;
  const ofBound = searches.map((bounds) => bounds.find((one) => one.preemptions === preemptions));
  return { preemptions, schedules: ofBound.reduce((sum, one) => sum + (one?.schedules ?? 0), 0) };
}

export interface Progress {
  readonly schedules: number;
  readonly seconds: number;
  readonly complete: Complete | undefined;
  /** All bounds completed, ascending; `complete` is the last. */
  readonly bounds: readonly Complete[];
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

/** Schedules and CPU time of this thread: the first to run out ends a search. */
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
  readonly bounds: Complete[] = [];

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
    this.toldAt = this.secondsElapsed + PROGRESS_EVERY_SECONDS;
    this.isEnded = this.tell(this.progress()) === false;
  }

  progress(): Progress {
    const { schedules, secondsElapsed: seconds, complete, bounds } = this;
    return { schedules, seconds, complete, bounds: [...bounds] };
  }

  /** The largest bound completed. */
  get complete(): Complete | undefined {
    return this.bounds.at(-1);
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
    // The clock of the wall is cheap to ask, and CPU time is never ahead of it.
    const limit = this.seconds * share;
    return this.secondsElapsed >= limit && this.cpuSecondsElapsed >= limit;
  }
}
