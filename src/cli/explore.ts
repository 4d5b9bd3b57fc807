// SPDX-License-Identifier: GPL-2.0-only
/** `slablab explore`: searches one scenario, or all, for a schedule that fails, on all cores. */
import type { Command } from "commander";
import { replay } from "../explore/replay.ts";
import { TokenError } from "../explore/token.ts";
import type { EachPlan, Plan, SearchPlan, Slice } from "../museum/plan.ts";
import { isDataRace, regressionsOf } from "../museum/regressions.ts";
import { isModule } from "../museum/sent-modules.ts";
import { ALL, type Subject, scenarioOfSubject, subjectsOf } from "../museum/subject.ts";
import { explorationProgress } from "../report/exploration.ts";
import { answerOf } from "./answer.ts";
import { refuseUnwritable } from "./check-results.ts";
import { anySeed, badUsage, complain, interruptible, ProgressLine } from "./common.ts";
import {
  type Explored,
  failingSubject,
  type Interrupted,
  optionsOf,
  showExplored,
  showInterrupted,
} from "./explore-answer.ts";
import { exploreModule, modulePlan } from "./explore-module.ts";
import type { Given } from "./options/explore.ts";
import { explorersOf, refuseUnqueueable } from "./queue.ts";
import { refuseUnshardable, runShard } from "./shard.ts";
import { SoFar } from "./so-far.ts";
import { blameUser, refuseRacesOf, subjectOf } from "./subject.ts";

/** Of `all`: the time that they share. */
const ALL_SECONDS = 60;

/** As the options say. */
export async function runExplore(command: Command, scenario: string, given: Given): Promise<void> {
  const seed = given.seed ?? anySeed();
  try {
    if (given.shard !== undefined) refuseUnshardable(command, { ...given }, "schedules");
    refuseUnqueueable(command, { ...given }, "schedules");
    refuseUnwritable(command, given);
    if (isModule(scenario)) {
      refuseForModule(command, given);
      // A program of a user's is searched to its bound unless another strategy is named.
      const isNamed = command.getOptionValueSource("strategy") !== "default";
      const strategy = isNamed ? given.strategy : "bound";
      const limits = { ...given, strategy, seed };
      if (given.shard === undefined) return await exploreModule(scenario, limits);
      return await runShardOf(scenario, limits, await modulePlan(scenario, limits));
    }
    refuseRacesOf(given);
    if (scenario === ALL && given.strategy === "all") {
      badUsage(
        command,
        "--strategy all is for one scenario: of `all`, some have no end without a bound",
      );
    }
    const subject = await subjectOf(scenario, given);
    const subjects = await subjectsOf(subject);
    const seeded = { ...given, seed };
    const plan = await planOf(subject, subjects, seeded);
    if (given.shard !== undefined) return await runShardOf(scenario, seeded, plan);
    const explored = (await knownFailure(subjects)) ?? (await search(plan, given));
    if (explored.interrupted) showInterrupted(scenario, seeded, explored);
    else await showExplored(scenario, seeded, explored);
  } catch (error) {
    blameUser(command, error);
    throw error;
  }
}

/** As the options say; of several scenarios, as they are searched by this process alone. */
async function planOf(
  subject: Subject,
  subjects: readonly [Subject, ...Subject[]],
  given: Given & { seed: number },
): Promise<SearchPlan | EachPlan> {
  // What is wrong with the scenario or the mutation is better said before threads are started.
  const { world, setup } = await scenarioOfSubject(subjects[0]);
  setup?.(world());
  const { strategy, preemptions, schedules, seconds: time, seed, prune: prunes } = given;
  const limits = {
    ...(schedules === undefined ? {} : { schedules }),
    ...(time === undefined ? {} : { seconds: time }),
    ...(subject.scenario === ALL && schedules === undefined
      ? { seconds: time ?? ALL_SECONDS }
      : {}),
  };
  const search = { strategy, preemptions, seed, prunes, ...limits };
  const dataRaces = given.races === true;
  return subject.scenario === ALL
    ? { kind: "each", subjects, search, dataRaces }
    : { kind: "search", subject, search, dataRaces };
}

/** `shard` is in `given`. */
async function runShardOf(
  scenario: string,
  given: Given & { seed: number },
  plan: Plan,
): Promise<void> {
  const planned = { command: "explore", options: optionsOf(scenario, given), plan } as const;
  await runShard(planned, given, given.shard as Slice);
}

/** What the module itself says, or what only scenarios in files have. */
function refuseForModule(command: Command, given: Given): void {
  for (const name of [
    "allocator",
    "kernel",
    "mutation",
    "era",
    "memory",
    "races",
    "out",
  ] as const) {
    if (given[name] === undefined) continue;
    badUsage(command, `--${name} is for scenarios, not for a module`);
  }
}

/** The first saved failure of the subjects that still fails. */
async function knownFailure(subjects: readonly Subject[]): Promise<Explored | undefined> {
  for (const subject of subjects) {
    const known = await knownFailureOf(subject);
    if (known !== undefined) return known;
  }
  return undefined;
}

async function knownFailureOf(subject: Subject): Promise<Explored | undefined> {
  const start = performance.now();
  for (const { file, saved } of regressionsOf(subject)) {
    try {
      const options = { dataRaces: isDataRace(saved) };
      const { failure } = replay(await scenarioOfSubject(subject), saved.token, options);
      if (failure === undefined) continue;
      const elapsed = (performance.now() - start) / 1000;
      const { steps } = failure;
      const seconds = { seconds: elapsed, cpuSeconds: elapsed };
      const nothing = { complete: undefined, bounds: [], conflicts: 0, ordersDiffer: true };
      const result = { schedules: 1, steps, ...seconds, ...nothing, failure };
      return { interrupted: false, subject, result, regression: file, answer: null };
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      complain(`${file} is passed over: ${error.message}`);
    }
  }
  return undefined;
}

async function search(plan: SearchPlan | EachPlan, given: Given): Promise<Explored | Interrupted> {
  const line = new ProgressLine(given.quiet === true);
  const explorers = await explorersOf(given);
  const soFar = new SoFar(plan.kind === "each" ? plan.subjects.length : 1);
  explorers.onProgress((progress) => {
    soFar.hear(progress);
    line.show(explorationProgress(soFar.progress()));
  });
  try {
    const { result, interruptedCode } = await interruptible(async (signal) => {
      try {
        const found = { interrupted: false, regression: null } as const;
        if (plan.kind === "search") {
          const result = await explorers.search(plan, signal);
          const answer = answerOf(plan, result);
          return { ...found, subject: plan.subject, result, answer };
        }
        const { subjects } = plan;
        const result = await explorers.searchEach(subjects, plan, signal);
        const subject = failingSubject(subjects, result);
        const answer = answerOf({ ...plan, kind: "rounds" }, result);
        return { ...found, subject, result, answer };
      } catch (error) {
        if (signal.aborted) return { interrupted: true, progress: soFar.progress() } as const;
        throw error;
      }
    });
    return result.interrupted ? { ...result, interruptedCode } : result;
  } finally {
    line.clear();
    await explorers.close();
  }
}
