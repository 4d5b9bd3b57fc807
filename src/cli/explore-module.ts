// SPDX-License-Identifier: GPL-2.0-only
/** `slablab explore FILE.ts`: explores what a module of the user's exports, one after the other. */
import type { Progress } from "../explore/budget.ts";
import type { ExploreResult, SearchOptions } from "../explore/explore.ts";
import { explorationProgress, explorationReport } from "../report/exploration.ts";
import { EXIT, ProgressLine } from "./common.ts";
import { jsonDocument } from "./document.ts";
import { programsOf } from "./program-module.ts";

interface Limits {
  readonly strategy: NonNullable<SearchOptions["strategy"]>;
  readonly preemptions: number;
  readonly schedules?: number;
  readonly seconds?: number;
  readonly seed: number;
  readonly prune: boolean;
  readonly json?: true;
  readonly quiet?: true;
}

/** Returns the exit code: the worst of the programs'. */
export async function exploreModule(path: string, given: Limits): Promise<number> {
  const { strategy, preemptions, schedules, seconds, seed, prune: prunes } = given;
  const line = new ProgressLine(given.quiet === true);
  const progress = (now: Progress): undefined => line.show(explorationProgress(now)) as undefined;
  const search = {
    ...{ strategy, preemptions, seed, prunes, progress },
    ...(schedules === undefined ? {} : { schedules }),
    ...(seconds === undefined ? {} : { seconds }),
  };
  const all = (await programsOf(path)).map((program) => {
    const result = program.explore(search);
    line.clear();
    return { name: program.name, result };
  });
  process.stdout.write(
    given.json === true
      ? jsonDocument("explore", { ...given, scenario: path }, { programs: all.map(json) })
      : `${all.map(({ name, result }) => report(path, name, result)).join("\n")}seed ${seed}\n`,
  );
  return Math.max(...all.map(({ result }) => exitCode(result)));
}

function report(path: string, name: string, result: ExploreResult): string {
  return explorationReport({ scenario: path }, result, name);
}

function exitCode({ failure, complete }: ExploreResult): number {
  if (failure !== undefined) return EXIT.FOUND;
  return complete === undefined ? EXIT.UNFINISHED : EXIT.FINE;
}

function json({ name, result }: { name: string; result: ExploreResult }): Record<string, unknown> {
  const { failure, complete = null, schedules, steps, conflicts } = result;
  const found = failure && { ...failure, timeline: undefined, token: failure.token ?? null };
  return { name, schedules, steps, conflicts, complete, failure: found ?? null };
}
