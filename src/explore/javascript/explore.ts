// SPDX-License-Identifier: MIT
/**
 * `explore` and `replay` for everybody: unmodified code over Int32Array and Atomics, or a scenario
 * over `Memory`.
 *
 *     const { failure, complete } = explore({
 *       words: 1,
 *       tasks: {
 *         one: (words) => { words[0] += 1; },
 *         other: (words) => { words[0] += 1; },
 *       },
 *       check: (words) => { if (words[0] !== 2) throw new Error(`2 increments give ${words[0]}`); },
 *     });
 */
import {
  type Exploration,
  type ExploreResult,
  explore as exploreScenario,
  type SearchOptions,
} from "../explore.ts";
import type { Scenario } from "../program.ts";
import { type Replayed, replay as replayScenario } from "../replay.ts";
import type { World } from "../world.ts";
import { BuiltProgram } from "./build.ts";
import type { BufferSpecs, BuffersProgram, JavaScriptProgram, WordsProgram } from "./program.ts";

const SEARCH = [
  "strategy",
  "preemptions",
  "leastPreemptions",
  "schedules",
  "seconds",
  "seed",
  "progress",
  "prunes",
] as const satisfies readonly (keyof SearchOptions)[];

/**
 * Searches for a schedule that fails. Code of a program may be any that runs without await over typed
 * arrays, DataView and Atomics; while it is explored, these are stand-ins. The default strategy for a
 * program is `bound`: all schedules with at most `preemptions` preemptions, then no more.
 * @throws NotExplorable, RangeError for a program or scenario that cannot be explored.
 */
export function explore(program: WordsProgram & SearchOptions): ExploreResult;
export function explore<const B extends BufferSpecs>(
  program: BuffersProgram<B> & SearchOptions,
): ExploreResult;
export function explore<W extends World, S>(exploration: Exploration<W, S>): ExploreResult;
export function explore(
  given: (JavaScriptProgram & SearchOptions) | Exploration<World, unknown>,
): ExploreResult {
  if (!isProgram(given)) return exploreScenario(given);
  const { program, search } = split(given);
  const built = new BuiltProgram(program);
  const whole = { strategy: "bound", ...search } as const;
  const result = built.during(() => exploreScenario({ ...built.scenario, search: whole }));
  built.checkUntouched();
  return result;
}

/**
 * Replays the token of a failure.
 * @throws TokenError if the token cannot be read, is of another program, or no longer fits this one.
 */
export function replay(program: WordsProgram & SearchOptions, token: string): Replayed;
export function replay<const B extends BufferSpecs>(
  program: BuffersProgram<B> & SearchOptions,
  token: string,
): Replayed;
export function replay<W extends World, S>(
  scenario: Scenario<W, S>,
  token: string,
  options?: Parameters<typeof replayScenario<W, S>>[2],
): Replayed;
export function replay(
  given: (JavaScriptProgram & SearchOptions) | Scenario<World, unknown>,
  token: string,
  options?: Parameters<typeof replayScenario<World, unknown>>[2],
): Replayed {
  if (!isProgram(given)) return replayScenario(given, token, options);
  const built = new BuiltProgram(split(given).program);
  return built.during(() => replayScenario(built.scenario, token));
}

function isProgram(
  given: (JavaScriptProgram & SearchOptions) | Exploration<World, unknown>,
): given is JavaScriptProgram & SearchOptions {
  return "tasks" in given;
}

/** A program, and the limits of its search. */
export function split(given: JavaScriptProgram & SearchOptions): {
  program: JavaScriptProgram;
  search: SearchOptions;
} {
  const all = Object.entries(given);
  const isOfSearch = ([member]: [string, unknown]): boolean => SEARCH.includes(member as never);
  return {
    program: Object.fromEntries(all.filter((entry) => !isOfSearch(entry))) as never,
    search: Object.fromEntries(all.filter(isOfSearch)),
  };
}
