// SPDX-License-Identifier: GPL-2.0-only
/** `slablab explore FILE.ts`: explores what a module of the user's exports, one after the other. */
import type { Progress } from "../explore/budget.ts";
import type { ExploreResult, SearchOptions } from "../explore/explore.ts";
import type { JobAnswer } from "../museum/jobs.ts";
import type { ProgramsPlan } from "../museum/plan.ts";
import { programsOf } from "../museum/program-module.ts";
import { type CheckResult, searched } from "../report/check-result.ts";
import { explorationProgress, explorationReport, replayCommand } from "../report/exploration.ts";
import { exploreHtml, type SearchedPart } from "../report/explore-html.ts";
import { answerOf, seedLine } from "./answer.ts";
import { type ReportFiles, tellResults, writeReport } from "./check-results.ts";
import { EXIT, interruptible, ProgressLine } from "./common.ts";
import { jsonDocument, reportSource } from "./document.ts";
import { explorersOf } from "./queue.ts";
import { sourceLines } from "./source-lines.ts";

export interface Limits extends ReportFiles {
  readonly strategy: NonNullable<SearchOptions["strategy"]>;
  readonly preemptions: number;
  readonly schedules?: number;
  readonly seconds?: number;
  readonly seed: number;
  readonly prune: boolean;
  readonly queue?: string;
  readonly json?: true;
  readonly quiet?: true;
}

/** What a module's program was found to be. */
export interface ProgramResult {
  readonly name: string;
  readonly result: ExploreResult;
}

export function moduleSearch(given: Limits): SearchOptions {
  const { strategy, preemptions, schedules, seconds, seed, prune: prunes } = given;
  return {
    ...{ strategy, preemptions, seed, prunes },
    ...(schedules === undefined ? {} : { schedules }),
    ...(seconds === undefined ? {} : { seconds }),
  };
}

export async function modulePlan(path: string, given: Limits): Promise<ProgramsPlan> {
  const programs = (await programsOf(path)).map(({ name }) => name);
  return { kind: "programs", path, programs, search: moduleSearch(given) };
}

export async function exploreModule(path: string, given: Limits): Promise<void> {
  if (given.queue !== undefined) return exploreOnQueue(path, given);
  const line = new ProgressLine(given.quiet === true);
  const progress = (now: Progress): undefined => line.show(explorationProgress(now)) as undefined;
  const search = moduleSearch(given);
  const programs = await programsOf(path);
  const results = programs.map((program) => {
    const result = program.explore({ ...search, progress });
    line.clear();
    return { name: program.name, result };
  });
  const plan = {
    kind: "programs",
    path,
    programs: programs.map(({ name }) => name),
    search,
  } as const;
  await showPrograms(plan, given, results);
}

async function exploreOnQueue(path: string, given: Limits): Promise<void> {
  const plan = await modulePlan(path, given);
  const explorers = await explorersOf(given);
  try {
    const { result: answers, interruptedCode } = await interruptible(async (signal) => {
      try {
        return await explorers.slice(plan, { index: 0, of: 1 }, signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      }
    });
    if (answers === undefined) {
      process.exitCode = interruptedCode;
      return;
    }
    const results = answers.map(([, answer]) => answer);
    await showPrograms(plan, given, namedResults(plan, results));
  } finally {
    await explorers.close();
  }
}

/** `answers`: of the jobs of the plan. */
export function namedResults(
  { programs }: ProgramsPlan,
  answers: readonly JobAnswer[],
): ProgramResult[] {
  return programs.map((name, at) => ({ name, result: answers[at] as ExploreResult }));
}

/** Ends with the worst exit code of the programs'. */
export async function showPrograms(
  plan: ProgramsPlan,
  given: Limits,
  results: readonly ProgramResult[],
): Promise<void> {
  const { path } = plan;
  const answer = answerOf(plan, results);
  process.stdout.write(
    given.json === true
      ? jsonDocument(
          "explore",
          { ...given, scenario: path },
          { programs: results.map(json), answer },
        )
      : `${results.map(({ name, result }) => report(path, name, result)).join("\n")}${seedLine(given.seed, answer)}`,
  );
  process.exitCode = Math.max(...results.map(({ result }) => exitCode(result)));
  if (given.html !== undefined) writeReport(given.html, await pageOf(plan, given, results));
  tellResults("explore", given, results.map(resultOf(path)));
}

function resultOf(path: string) {
  return ({ name, result }: ProgramResult): CheckResult => {
    const { failure, complete, cpuSeconds: seconds } = result;
    const again = failure === undefined ? "" : replayCommand({ scenario: path }, failure);
    const failed = failure && { class: failure.class, message: failure.message, again };
    return searched({ name, seconds, file: path, failure: failed }, complete !== undefined);
  };
}

async function pageOf(
  plan: ProgramsPlan,
  given: Limits,
  results: readonly ProgramResult[],
): Promise<string> {
  const { path } = plan;
  const programs = new Map((await programsOf(path)).map((program) => [program.name, program]));
  const parts = results.map(({ name, result }): SearchedPart => {
    const { failure } = result;
    const replayed = failure?.token && programs.get(name)?.replay(failure.token);
    if (!failure || !replayed) return { name, ...result };
    const telling = { title: name, story: [], token: failure.token, sourceLine: sourceLines() };
    const again = replayCommand({ scenario: path }, failure);
    return { name, ...result, shown: { telling, replayed, again } };
  });
  const seconds = results.reduce((sum, { result }) => sum + result.seconds, 0);
  const line = seedLine(given.seed, answerOf(plan, results)).trim();
  return exploreHtml({ asked: path, parts, seconds, seedLine: line, source: reportSource() });
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
