// SPDX-License-Identifier: MIT
/**
 * The portfolio: no single strategy finds every kind of bug soon. First come all schedules with 0, 1,
 * 2 … preemptions, each bound to completion, since most bugs need few and the answer is a proof. Then,
 * until the budget is spent, PCT looks for deep bugs, and partial order sampling and a random walk for
 * those that need many switches.
 */
import { ANY_NUMBER, type Budget } from "./budget.ts";
import type { Engine } from "./engine.ts";
import { PctScheduler } from "./schedulers/pct.ts";
import { PosScheduler } from "./schedulers/pos.ts";
import type { Scheduler } from "./schedulers/scheduler.ts";
import { WalkScheduler } from "./schedulers/walk.ts";
import { type Hit, type SearchLimits, searchBound, searchWith } from "./search.ts";
import { searchEvery } from "./search-every.ts";

/** `all`: every interleaving, without a bound. */
export type Strategy = "portfolio" | "bound" | "all" | "pct" | "pos" | "walk";

export interface PortfolioOptions {
  readonly strategy: Strategy;
  /** The smallest bound, and the largest. */
  readonly leastPreemptions: number;
  readonly preemptions: number;
  readonly seed: number;
  readonly prunes: boolean;
}

/** Share of the budget that the bounds may use if samplers follow. */
const SHARE_OF_BOUNDS = 0.5;

/** A failing schedule, or undefined; `budget.complete` is the largest completed bound. */
export function searchPortfolio(
  engine: Engine,
  budget: Budget,
  options: PortfolioOptions,
): Hit | undefined {
  const { strategy, seed } = options;
  if (strategy === "bound") return searchBounds(engine, { budget }, options);
  if (strategy === "all") {
    const { hit, complete, schedules } = searchEvery(engine, { budget });
    if (complete) budget.bounds.push({ preemptions: ANY_NUMBER, schedules });
    return hit;
  }
  if (strategy !== "portfolio") {
    return searchWith(engine, samplerOf(strategy, seed), { budget }).hit;
  }
  return (
    searchBounds(engine, { budget, share: SHARE_OF_BOUNDS }, options) ??
    searchWith(engine, new TurnsOf(seed), { budget }).hit
  );
}

function searchBounds(
  engine: Engine,
  limits: SearchLimits,
  options: PortfolioOptions,
): Hit | undefined {
  const { leastPreemptions, preemptions: most } = options;
  for (let preemptions = leastPreemptions; preemptions <= most; preemptions++) {
    const { hit, complete, schedules } = searchBound(engine, preemptions, limits, options);
    if (hit !== undefined) return hit;
    if (!complete) return undefined;
    limits.budget.bounds.push({ preemptions, schedules });
  }
  return undefined;
}

/** The scheduler of a sampling strategy. */
export function samplerOf(strategy: "pct" | "pos" | "walk", seed: number): Scheduler {
  if (strategy === "pct") return new PctScheduler(seed);
  return strategy === "pos" ? new PosScheduler(seed) : new WalkScheduler(seed);
}

const TURNS = ["pct", "pct", "pct", "pos", "pct", "pct", "pct", "walk"] as const;

/** Samplers that take turns, schedule by schedule. */
class TurnsOf implements Scheduler {
  private readonly samplers: Record<(typeof TURNS)[number], Scheduler>;
  private turn = 0;
  private current!: Scheduler;

  constructor(seed: number) {
    this.samplers = {
      pct: samplerOf("pct", seed),
      pos: samplerOf("pos", seed),
      walk: samplerOf("walk", seed),
    };
  }

  begin(): boolean {
    this.current = this.samplers[TURNS[this.turn++ % TURNS.length] as (typeof TURNS)[number]];
    return this.current.begin();
  }

  next(...about: Parameters<Scheduler["next"]>): number {
    return this.current.next(...about);
  }
}
