// SPDX-License-Identifier: MIT
/**
 * Explores a scenario: searches for a schedule that fails, makes it small, and replays it once for
 * the report. Works on any code over `Memory`.
 *
 *     const { failure, complete } = explore({
 *       name: "lost-update",
 *       world: () => ({ memory: exploredMemory(smallMachine(2)) }),
 *       contexts: [0, 1].map((cpu) => ({ name: `task ${cpu}`, cpu, operations: [increment] })),
 *       check: { atEnd: ({ memory }) => { if (memory.read32(COUNTER) !== 2) throw … } },
 *     });
 */
import { Budget, type Complete, type Progress } from "./budget.ts";
import { Engine } from "./engine.ts";
import { type Strategy, searchPortfolio } from "./portfolio.ts";
import { prepare, type Scenario } from "./program.ts";
import { RaceDetector } from "./races.ts";
import { type Failure, recordFailure } from "./replay.ts";
import { shrink } from "./shrink.ts";
import type { World } from "./world.ts";

export interface SearchOptions {
  /** Default `portfolio`. */
  readonly strategy?: Strategy;
  /** The largest preemption bound; `all` has none. Default 2. */
  readonly preemptions?: number;
  /** The smallest: schedules with fewer preemptions are known to pass. Default 0. */
  readonly leastPreemptions?: number;
  /** Schedules to run at most. Default no limit. */
  readonly schedules?: number;
  /** CPU time to search, in seconds: other load on the machine does not count. Default 10, or no limit where `schedules` is given. */
  readonly seconds?: number;
  /**
   * Under a bound, cut schedules short where the state is known. Default true, but never during a
   * search for data races. The answer is the same, found in fewer schedules.
   */
  readonly prunes?: boolean;
  /** Default 1. The same seed and the same `schedules` give the same answer. */
  readonly seed?: number;
  /**
   * Hears of the progress a few times a second, and once more if the search ends before its budget
   * does; answering false ends the search.
   */
  readonly progress?: (progress: Progress) => boolean | undefined;
}

export interface Exploration<W extends World, S> extends Scenario<W, S> {
  readonly search?: SearchOptions;
  /** Also look for data races; states are then not compared, which takes longer. Default no. */
  readonly dataRaces?: boolean;
}

export interface ExploreResult {
  /** Schedules run, and the points passed in them. */
  readonly schedules: number;
  readonly steps: number;
  readonly seconds: number;
  /** Time that the search had on its core, or on all its cores together. */
  readonly cpuSeconds: number;
  /** The largest bound under which every schedule passes; undefined: bound 0 was not completed. */
  readonly complete: Complete | undefined;
  /** All bounds under which every schedule passes, ascending. */
  readonly bounds: readonly Complete[];
  /** Pairs of accesses met by different contexts to one word, at least one a write. */
  readonly conflicts: number;
  /** False: no contexts conflict and none migrates, so every schedule gives the same result. */
  readonly ordersDiffer: boolean;
  readonly failure: Failure | undefined;
}

const DEFAULT_SECONDS = 10;

/** @throws RangeError for a scenario or machine that cannot be explored. */
export function explore<W extends World, S>(exploration: Exploration<W, S>): ExploreResult {
  const { search = {}, dataRaces = false, name } = exploration;
  const { strategy = "portfolio", preemptions = 2, schedules, seed = 1, prunes = true } = search;
  const { leastPreemptions = 0 } = search;
  const seconds = search.seconds ?? (schedules === undefined ? DEFAULT_SECONDS : undefined);
  const program = prepare(exploration);
  const engine = new Engine(program);
  const { memory } = program;
  const detector = dataRaces ? new RaceDetector(engine.contexts, memory) : undefined;
  const observed = <T>(section: () => T): T =>
    detector === undefined ? section() : memory.observed(detector, section);
  const budget = new Budget(schedules, seconds, search.progress);
  const bounds = { leastPreemptions, preemptions };
  const options = { strategy, ...bounds, seed, prunes: prunes && !dataRaces };
  const hit = observed(() => searchPortfolio(engine, budget, options));
  const { schedules: run, steps, secondsElapsed, cpuSecondsElapsed, complete } = budget;
  if (!budget.isSpent()) search.progress?.(budget.progress());
  const conflicts = memory.sharing.conflicts().length;
  const least = complete === undefined ? leastPreemptions : complete.preemptions + 1;
  const small = hit && observed(() => shrink(program, hit, least, options));
  const failure = small && recordFailure(name, small.program, small.hit, { dataRaces });
  const spent = { seconds: secondsElapsed, cpuSeconds: cpuSecondsElapsed };
  const ordersDiffer = conflicts > 0 || engine.contexts.some(({ migrates }) => migrates);
  const answer = { complete, bounds: budget.bounds, conflicts, ordersDiffer, failure };
  return { schedules: run, steps, ...spent, ...answer };
}
