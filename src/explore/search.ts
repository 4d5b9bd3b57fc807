// SPDX-License-Identifier: MIT
/**
 * One search: schedules of one kind, until one fails, the budget is spent or none is left. A search is
 * a function of program, strategy and seed alone, in whichever thread it runs.
 */
import type { Budget } from "./budget.ts";
import type { Engine } from "./engine.ts";
import type { Found, FoundClass } from "./failure.ts";
import { BoundScheduler } from "./schedulers/bound.ts";
import type { Segment } from "./schedulers/replay.ts";
import type { Scheduler } from "./schedulers/scheduler.ts";

/** A schedule that fails. */
export interface Hit {
  readonly found: Found;
  readonly segments: readonly Segment[];
  readonly preemptions: number;
  readonly steps: number;
}

/** `complete`: every schedule of the kind was run, or cut short where its state was known. */
export interface SearchResult {
  readonly hit: Hit | undefined;
  readonly complete: boolean;
  /** Schedules of the last, complete pass. */
  readonly schedules: number;
}

/** Limits of a search; several searches may share one budget. */
export interface SearchLimits {
  readonly budget: Budget;
  /** Share of the budget at which to stop, 0 to 1. Default 1. */
  readonly share?: number;
  /** Only a failure of this class counts. Default any. */
  readonly class?: FoundClass;
}

/** Runs schedules until one fails or `scheduler` has no more. */
export function searchWith(
  engine: Engine,
  scheduler: Scheduler,
  limits: SearchLimits,
  endsEarly: () => boolean = () => false,
): SearchResult {
  const { budget, share = 1 } = limits;
  for (let schedules = 0; ; schedules++) {
    if (budget.isSpent(share)) return { hit: undefined, complete: false, schedules };
    if (!scheduler.begin()) return { hit: undefined, complete: true, schedules };
    const { sharing, buffers } = engine.memory;
    const before = sharing.growths;
    const { found, preemptions, steps } = engine.run(scheduler);
    budget.spend(steps);
    // With store buffers a schedule in which a word became shared cannot be replayed: whether a store
    // waits depends on that. The next time it can.
    const isSteady = buffers === undefined || sharing.growths === before;
    if (isSteady && found !== undefined && (limits.class ?? found.class) === found.class) {
      const hit = { found, segments: engine.schedule(), preemptions, steps };
      return { hit, complete: false, schedules: schedules + 1 };
    }
    if (endsEarly()) return { hit: undefined, complete: false, schedules: schedules + 1 };
  }
}

export interface BoundOptions {
  /** Cut schedules short where the state is known. */
  readonly prunes: boolean;
}

/**
 * All schedules with at most `bound` preemptions. The set of shared words is learnt on the way; when
 * it grows, schedules have been missed and the search begins again.
 */
export function searchBound(
  engine: Engine,
  bound: number,
  limits: SearchLimits,
  options: BoundOptions,
): SearchResult {
  const { sharing } = engine.memory;
  for (;;) {
    sharing.grown = false;
    const stateKey = options.prunes ? engine.stateKey : undefined;
    const scheduler = new BoundScheduler(bound, stateKey);
    const result = searchWith(engine, scheduler, limits, () => sharing.grown);
    if (result.hit !== undefined || !sharing.grown || limits.budget.isSpent(limits.share)) {
      return sharing.grown ? { ...result, complete: false } : result;
    }
  }
}
