// SPDX-License-Identifier: GPL-2.0-only
/** The answer of `slablab explore`: as text, as a document, as a page, as results of checks. */
import { dirname } from "node:path";
import type { Progress } from "../explore/budget.ts";
import type { ExploreResult } from "../explore/explore.ts";
import { type Failure, replay } from "../explore/replay.ts";
import { snapshotOf } from "../laboratory/snapshot.ts";
import type { EachResult } from "../museum/plan.ts";
import { isDataRace, regressionText } from "../museum/regressions.ts";
import { storyOf } from "../museum/story.ts";
import { ALL, type Subject, scenarioOfSubject } from "../museum/subject.ts";
import { type CheckResult, searched } from "../report/check-result.ts";
import { dmesgText } from "../report/dmesg.ts";
import { explorationReport, interruptedReport, replayCommand } from "../report/exploration.ts";
import { explorationOfAllReport } from "../report/exploration-of-all.ts";
import { exploreHtml, type SearchedPart, type ShownFailure } from "../report/explore-html.ts";
import { seedLine } from "./answer.ts";
import { tellResults, writeReport } from "./check-results.ts";
import { complain, EXIT } from "./common.ts";
import { jsonDocument, reportSource } from "./document.ts";
import { makeDirectory, writeWhole } from "./files.ts";
import type { Given } from "./options/explore.ts";
import { saidIn } from "./said.ts";
import { sourceLines } from "./source-lines.ts";

/** A result, the subject it is about, and the saved failure it is from, if it is. */
export interface Explored {
  readonly interrupted: false;
  readonly subject: Subject;
  readonly result: ExploreResult | EachResult;
  readonly regression: string | null;
  /** The digest of the answer, where it has one. */
  readonly answer: string | null;
  /** What the machine prints in the schedule that fails, where that was asked for. */
  readonly dmesg?: readonly string[];
}

/** A search that a signal has ended. */
export interface Interrupted {
  readonly interrupted: true;
  readonly interruptedCode: number;
  readonly progress: Progress;
}

/** The scenario that fails; where none does, what all of them have in common. */
export function failingSubject(subjects: readonly Subject[], { winner }: EachResult): Subject {
  return subjects[winner] ?? { ...(subjects[0] as Subject), scenario: ALL };
}

/** `asked`: the scenario as the user named it. */
export async function showExplored(
  asked: string,
  given: Given & { seed: number },
  found: Explored,
): Promise<void> {
  const explored = given.dmesg === true ? { ...found, dmesg: await heardIn(found, given) } : found;
  const { subject, result, regression, answer, dmesg } = explored;
  const { failure } = result;
  const said = dmesg === undefined ? "" : dmesgText(dmesg);
  const from = regression === null ? "" : `a saved failure, ${regression}, still fails\n`;
  const text = given.json
    ? jsonDocument("explore", optionsOf(asked, given), json(explored))
    : `${from}${reportOf(asked, explored)}${said}${seedLine(given.seed, answer)}`;
  process.stdout.write(text);
  if (failure !== undefined && given.out !== undefined) save(given.out, subject, failure);
  process.exitCode = exitCodeOf(result, given);
  if (given.html !== undefined) writeReport(given.html, await pageOf(asked, given, explored));
  tellResults("explore", given, resultsOf(given, explored));
}

async function heardIn(
  { subject, result: { failure } }: Explored,
  { races }: Given,
): Promise<string[]> {
  const token = failure?.token;
  return token === undefined ? [] : saidIn(await scenarioOfSubject(subject), token, races === true);
}

/** A search of bounds that has completed none has shown nothing, and does not end as if it had. */
function exitCodeOf({ failure, complete }: ExploreResult, given: Given): number {
  if (failure !== undefined) return EXIT.FOUND;
  return isProven(complete, given) ? EXIT.FINE : EXIT.UNFINISHED;
}

function isProven(complete: unknown, { strategy }: Pick<Given, "strategy">): boolean {
  return complete !== undefined || ["pct", "pos", "walk"].includes(strategy);
}

/** Of several scenarios, those after the one that fails are not searched to an end. */
function partsOf({ subject, result }: Explored): SearchedPart[] {
  if (!("scenarios" in result)) return [{ name: subject.scenario, ...result }];
  return result.scenarios.map(({ scenario, bounds, ...known }, at) => ({
    ...known,
    name: scenario,
    complete: bounds.at(-1),
    failure: at === result.winner ? result.failure : undefined,
  }));
}

function resultsOf(given: Given, explored: Explored): CheckResult[] {
  const { subject, result } = explored;
  const file = subject.text === undefined ? undefined : subject.scenario;
  const parts = partsOf(explored);
  return parts.map(({ name, complete, failure }) => {
    const again = failure === undefined ? "" : replayCommand(subject, failure);
    const seconds = result.cpuSeconds / parts.length;
    const failed = failure && { class: failure.class, message: failure.message, again };
    return searched({ name, seconds, file, failure: failed }, isProven(complete, given));
  });
}

async function pageOf(
  asked: string,
  given: Given & { seed: number },
  explored: Explored,
): Promise<string> {
  const { subject, result, answer } = explored;
  const parts = await Promise.all(
    partsOf(explored).map(async (part) =>
      part.failure === undefined ? part : { ...part, shown: await shownOf(subject, part.failure) },
    ),
  );
  const { seconds } = result;
  return exploreHtml({
    asked,
    parts,
    seconds,
    seedLine: seedLine(given.seed, answer).trim(),
    source: reportSource(),
  });
}

async function shownOf(subject: Subject, failure: Failure): Promise<ShownFailure | undefined> {
  const { token } = failure;
  if (token === undefined) return undefined;
  const options = { dataRaces: isDataRace(failure), watch: snapshotOf };
  const replayed = replay(await scenarioOfSubject(subject), token, options);
  const telling = { ...storyOf(subject), token, sourceLine: sourceLines() };
  return { telling, replayed, again: replayCommand(subject, failure) };
}

function reportOf(asked: string, { subject, result }: Explored): string {
  return "scenarios" in result
    ? explorationOfAllReport(subject, result, asked)
    : explorationReport(subject, result, asked);
}

/** A failure that cannot be saved is found all the same. */
function save(file: string, subject: Subject, failure: Failure): void {
  try {
    makeDirectory(dirname(file));
    writeWhole(file, regressionText(subject, failure));
  } catch (error) {
    complain(`the failure is not saved: ${(error as Error).message}`);
  }
}

/** What the shards have told of; their steps and their time on a core they tell at the end only. */
export function showInterrupted(
  asked: string,
  given: Given & { seed: number },
  { interrupted, interruptedCode, progress }: Interrupted,
): void {
  const { schedules, seconds: elapsed, complete = null } = progress;
  const counted = { interrupted, schedules, steps: null, seconds: elapsed, cpuSeconds: null };
  const rates = {
    schedulesPerSecond: schedules / Math.max(elapsed, 1e-6),
    schedulesPerCpuSecond: null,
  };
  const result = { ...counted, ...rates, complete, regression: null, failure: null };
  process.stdout.write(
    given.json
      ? jsonDocument("explore", optionsOf(asked, given), result)
      : `${interruptedReport(asked, progress)}seed ${given.seed}\n`,
  );
  process.exitCode = interruptedCode;
  tellResults("explore", given, [{ name: asked, seconds: elapsed, unproven: "interrupted" }]);
}

export function optionsOf(asked: string, given: Given): Record<string, unknown> {
  const { json: _json, quiet: _quiet, shard: _shard, queue: _queue, ...rest } = given;
  const { junit: _junit, html: _html, ...options } = rest;
  return { ...options, scenario: asked };
}

function scenarioJson({ scenario, schedules, bounds, conflicts }: EachResult["scenarios"][number]) {
  return { scenario, schedules, complete: bounds.at(-1) ?? null, conflicts };
}

function json(explored: Explored): Record<string, unknown> {
  const { interrupted, subject, result, regression, answer, dmesg } = explored;
  const { schedules, steps, seconds: elapsed, cpuSeconds, complete = null, failure } = result;
  const { conflicts } = result;
  return {
    interrupted,
    schedules,
    steps,
    seconds: elapsed,
    cpuSeconds,
    schedulesPerSecond: schedules / Math.max(elapsed, 1e-6),
    schedulesPerCpuSecond: schedules / Math.max(cpuSeconds, 1e-6),
    complete,
    conflicts,
    ...("scenarios" in result ? { scenarios: result.scenarios.map(scenarioJson) } : {}),
    regression,
    failure:
      failure === undefined
        ? null
        : {
            scenario: subject.scenario,
            class: failure.class,
            message: failure.message,
            token: failure.token ?? null,
            preemptions: failure.preemptions,
            steps: failure.steps,
          },
    answer,
    dmesg,
  };
}
