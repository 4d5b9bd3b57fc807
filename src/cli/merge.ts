// SPDX-License-Identifier: GPL-2.0-only
/** `slablab merge`: one answer of the documents that the shards of a search have printed. */
import type { Command } from "commander";
import * as v from "valibot";
import type { ExploreResult } from "../explore/explore.ts";
import type { FuzzResult } from "../laboratory/fuzz/fuzz.ts";
import type { JobAnswer } from "../museum/jobs.ts";
import type { CallsResult } from "../museum/module-fuzz.ts";
import {
  type EachPlan,
  eachAnswerOf,
  isDecided,
  jobsOf,
  type Plan,
  type SearchPlan,
  searchAnswer,
} from "../museum/plan.ts";
import type { Proof } from "../museum/prove.ts";
import { answerOf } from "./answer.ts";
import { refuseUnwritable } from "./check-results.ts";
import { badUsage } from "./common.ts";
import { type Explored, failingSubject, showExplored } from "./explore-answer.ts";
import { namedResults, showPrograms } from "./explore-module.ts";
import { readText } from "./files.ts";
import { showFuzzed } from "./fuzz.ts";
import { showCalls } from "./fuzz-module.ts";
import { showProofs } from "./museum.ts";
import type { Given as GivenToExplore } from "./options/explore.ts";
import type { Given as GivenToFuzz } from "./options/fuzz.ts";
import type { Given } from "./options/merge.ts";
import type { ShardDocument } from "./shard.ts";

/** Enough to tell a shard's document from any other file; this program has written the rest. */
const Shard = v.looseObject({
  schema: v.literal("slablab/shard/1"),
  command: v.picklist(["explore", "fuzz", "museum"]),
  options: v.record(v.string(), v.unknown()),
  source: v.string(),
  shard: v.object({ index: v.number(), of: v.number() }),
  plan: v.looseObject({
    kind: v.picklist(["search", "each", "programs", "fuzz", "calls", "proofs"]),
  }),
  answers: v.array(v.tuple([v.number(), v.looseObject({ cpuSeconds: v.optional(v.number()) })])),
});

/** As the options say. */
export async function runMerge(
  command: Command,
  files: readonly string[],
  given: Given,
): Promise<void> {
  const shards: ShardDocument[] = [];
  for (const file of files) shards.push(parsed(command, file, await readText(file)));
  const [first, ...others] = shards as [ShardDocument, ...ShardDocument[]];
  for (const [at, other] of others.entries()) {
    const why = whyNotOf(first, other);
    if (why !== undefined) badUsage(command, `${files[at + 1]} and ${files[0]} ${why}`);
  }
  refuseUnwritable(command, given);
  await show(first, answersOf(command, first.plan, shards), given);
}

function parsed(command: Command, file: string, text: string): ShardDocument {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch {
    return badUsage(command, `${file} is not JSON; a shard that was cut short has printed nothing`);
  }
  const { success, output } = v.safeParse(Shard, written);
  if (success) return output as unknown as ShardDocument;
  return badUsage(command, `${file} is no result of --shard I/N --json`);
}

/** What is wrong with two documents as parts of one search. */
function whyNotOf(one: ShardDocument, other: ShardDocument): string | undefined {
  if (one.source !== other.source) return "are from different versions of slablab";
  const isSame = JSON.stringify(one.plan) === JSON.stringify(other.plan);
  return isSame ? undefined : "are shards of different searches";
}

/** By the numbers of the jobs, up to the one that decides the answer. */
function answersOf(
  command: Command,
  plan: Plan,
  shards: readonly ShardDocument[],
): readonly JobAnswer[] {
  const given = new Map(shards.flatMap((shard) => shard.answers));
  const answers: JobAnswer[] = [];
  for (const number of jobsOf(plan, 1).keys()) {
    const answer = given.get(number);
    if (answer === undefined) {
      const { of } = (shards[0] as ShardDocument).shard;
      return badUsage(command, `job ${number} is missing: it is of shard ${number % of}/${of}`);
    }
    answers.push(answer);
    if (isDecided(plan, answer)) break;
  }
  return answers;
}

/** The options of the commands, as their shards have written them down. */
type Options = GivenToExplore & GivenToFuzz & { readonly seed: number };

async function show(
  { plan, options }: ShardDocument,
  answers: readonly JobAnswer[],
  given: Given,
): Promise<void> {
  const all = { ...options, ...given } as unknown as Options;
  const searches = answers as readonly ExploreResult[];
  switch (plan.kind) {
    case "search":
    case "each":
      await showExplored(String(options.scenario), all, exploredOf(plan, searches));
      break;
    case "programs":
      await showPrograms(plan, all, namedResults(plan, answers));
      break;
    case "fuzz":
      showFuzzed(plan, all, { interrupted: false, answers: answers as readonly FuzzResult[] });
      break;
    case "calls":
      showCalls(plan, all, { interrupted: false, answers: answers as readonly CallsResult[] });
      break;
    default: {
      const proofs = answers as readonly Proof[];
      const seconds = proofs.reduce((sum, { secondsInAll }) => sum + secondsInAll, 0);
      showProofs(plan, given, { interrupted: false, seconds, proofs });
    }
  }
}

/** Its seconds are as if the machines had been one core. */
function exploredOf(plan: SearchPlan | EachPlan, answers: readonly ExploreResult[]): Explored {
  const seconds = answers.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const found = { interrupted: false, regression: null } as const;
  if (plan.kind === "search") {
    const result = searchAnswer(answers, seconds);
    return { ...found, subject: plan.subject, result, answer: answerOf(plan, result) };
  }
  const result = eachAnswerOf(plan, answers, seconds);
  const subject = failingSubject(plan.subjects, result);
  return { ...found, subject, result, answer: answerOf(plan, result) };
}
