// SPDX-License-Identifier: GPL-2.0-only
/**
 * `explore` and `replay` of a module of the user's: what it exports is a program over typed arrays and
 * Atomics (an object with `tasks`) or a scenario over the allocators (one with `contexts`).
 */
import type { ExploreResult, SearchOptions } from "../explore/explore.ts";
import { explore, replay } from "../explore/javascript/explore.ts";
import type { WordsProgram } from "../explore/javascript/program.ts";
import type { Replayed } from "../explore/replay.ts";
import { type SlabScenario, scenarioOf } from "../laboratory/scenario.ts";
import { quoted } from "../machine/quoted.ts";
import { type CallsProgram, isFuzzable } from "./program-fuzz.ts";
import { moduleAddress } from "./sent-modules.ts";

/** One export of the module. */
export interface UserProgram {
  readonly name: string;
  readonly exported: string;
  /** Its calls, where a sequential object says what they may answer. */
  readonly calls?: CallsProgram;
  explore(search: SearchOptions): ExploreResult;
  replay(token: string): Replayed;
}

export type FuzzableProgram = UserProgram & Required<Pick<UserProgram, "calls">>;

/** The module is no use: its message says why. */
export class BadModule extends Error {
  override name = "BadModule";
}

/** @throws BadModule if the file cannot be loaded, or exports nothing that can be explored. */
export async function programsOf(path: string): Promise<UserProgram[]> {
  const exports = await load(path);
  const programs = Object.entries(exports).flatMap(([name, given]) => programOf(name, given));
  if (programs.length > 0) return programs;
  throw new BadModule(
    `${quoted(path)} exports nothing to explore: an object with tasks, or a scenario with contexts`,
  );
}

async function load(path: string): Promise<Record<string, unknown>> {
  try {
    return await import(moduleAddress(path));
  } catch (error) {
    throw new BadModule(`${quoted(path)} cannot be loaded: ${quoted(String(error))}`);
  }
}

function programOf(exported: string, given: unknown): UserProgram[] {
  if (typeof given !== "object" || given === null) return [];
  if ("tasks" in given) return [taskProgram(exported, given as WordsProgram)];
  if ("contexts" in given && "machine" in given)
    return [slabProgram(exported, given as SlabScenario)];
  return [];
}

function taskProgram(exported: string, given: WordsProgram): UserProgram {
  const program = { name: exported, ...given };
  return {
    name: program.name,
    exported,
    ...(isFuzzable(program) ? { calls: program } : {}),
    explore: (search) => explore({ ...program, ...search }),
    replay: (token) => replay(program, token),
  };
}

function slabProgram(exported: string, given: SlabScenario): UserProgram {
  const scenario = scenarioOf(given);
  return {
    name: given.name,
    exported,
    explore: (search) => explore({ ...scenario, search }),
    replay: (token) => replay(scenario, token),
  };
}
