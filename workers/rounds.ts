// SPDX-License-Identifier: GPL-2.0-only
/**
 * How several searches share one budget: in rounds, in each of which every search that is not done gets
 * an equal share. What a quick search leaves goes to the others in the next round. First come all
 * schedules of each with at most one preemption, since most bugs need no more, then the deeper bounds,
 * then samples. A search keeps every bound that it has completed.
 */
import type { ExploreResult, SearchOptions } from "../src/explore/explore.ts";
import type { SearchedSoFar } from "../src/museum/plan.ts";

export const NOTHING_YET: SearchedSoFar = {
  schedules: 0,
  bounds: [],
  conflicts: 0,
  ordersDiffer: false,
  failure: undefined,
};

type Search = Omit<SearchOptions, "progress">;

/** The next search of each that takes part; undefined: this one is done, or sits out. */
export type Round = readonly (Search | undefined)[];

/** Kept back in each round for the searches that need more than an equal share. */
const SHARE_OF_ROUND = 0.5;
/** A round repeats the bound that its search could not complete, so it must offer more time. */
const WORTH_ANOTHER_ROUND = 2;

/** Schedules, or CPU seconds: the one that is limited. */
type Unit = "schedules" | "seconds";

export class Rounds {
  readonly searches: SearchedSoFar[];
  private readonly search: Search;
  private readonly unit: Unit;
  private left: number;
  /** The stages to come; a number is the bound to complete. */
  private readonly stages: (number | "samples")[];
  /** What each search got in the last round of this stage. */
  private lastShare = 0;

  /** `count` searches as `search` says, with its schedules, or with its seconds on each of `cores`. */
  constructor(search: Search, count: number, cores: number) {
    const { schedules, seconds = Number.POSITIVE_INFINITY } = search;
    this.search = search;
    this.unit = schedules === undefined ? "seconds" : "schedules";
    this.left = schedules ?? seconds * cores;
    this.stages = stagesOf(search);
    this.searches = Array.from({ length: count }, () => NOTHING_YET);
  }

  /** The next round; undefined: the budget is spent, or everything is done. */
  next(): Round | undefined {
    for (;;) {
      const [stage] = this.stages;
      if (stage === undefined || this.left <= 0) return undefined;
      const round = this.roundOf(stage);
      if (round !== undefined) return round;
      this.stages.shift();
      this.lastShare = 0;
    }
  }

  private roundOf(stage: number | "samples"): Round | undefined {
    const isOpen = (one: SearchedSoFar): boolean => stage === "samples" || boundOf(one) < stage;
    const open = this.searches.filter(isOpen).length;
    if (open === 0) return undefined;
    const isLast = this.stages.length === 1;
    const share = this.wholeUnits((this.left * (isLast ? 1 : SHARE_OF_ROUND)) / open);
    if (share < this.lastShare * WORTH_ANOTHER_ROUND) return undefined;
    this.lastShare = share;
    return this.searches.map((one) => (isOpen(one) ? this.searchOf(one, stage, share) : undefined));
  }

  private wholeUnits(share: number): number {
    return this.unit === "schedules" ? Math.ceil(share) : share;
  }

  private searchOf(one: SearchedSoFar, stage: number | "samples", share: number): Search {
    const { seconds: _seconds, schedules: _schedules, ...search } = this.search;
    const own = { ...search, [this.unit]: share };
    // A portfolio without bounds is its samplers in turn.
    if (stage === "samples") return { ...own, preemptions: -1 };
    const leastPreemptions = boundOf(one) + 1;
    return { ...own, strategy: "bound", preemptions: stage, leastPreemptions };
  }

  /** The answers of the round; undefined where a search did not take part, or was not waited for. */
  ended(answers: readonly (ExploreResult | undefined)[]): void {
    answers.forEach((answer, at) => {
      if (answer === undefined) return;
      const before = this.searches[at] as SearchedSoFar;
      this.left -= this.unit === "schedules" ? answer.schedules : answer.cpuSeconds;
      this.searches[at] = {
        schedules: before.schedules + answer.schedules,
        bounds: [...before.bounds, ...answer.bounds],
        conflicts: Math.max(before.conflicts, answer.conflicts),
        ordersDiffer: before.ordersDiffer || answer.ordersDiffer,
        failure: answer.failure,
      };
    });
  }
}

const boundOf = ({ bounds }: SearchedSoFar): number => bounds.at(-1)?.preemptions ?? -1;

function stagesOf({ strategy = "portfolio", preemptions = 2 }: Search): (number | "samples")[] {
  const bounds = preemptions > 1 ? [1, preemptions] : [preemptions];
  if (strategy === "bound") return bounds;
  return strategy === "portfolio" ? [...bounds, "samples"] : ["samples"];
}
