// SPDX-License-Identifier: GPL-2.0-only
/**
 * A plan is what one command asks of the explorer, as plain data: a list of numbered jobs, each a pure
 * function of itself, and one answer made of theirs. The list does not depend on how many threads or
 * machines run it, and the lowest job with a failure wins, so the answer does not depend on them
 * either.
 */
import { type Complete, leastComplete } from "../explore/budget.ts";
import type { ExploreResult, SearchOptions } from "../explore/explore.ts";
import type { CallsJob, FuzzJob, FuzzLimits, Job, JobAnswer, ProofJob, SearchJob } from "./jobs.ts";
import type { CallsLimits } from "./module-fuzz.ts";
import type { Subject } from "./subject.ts";

type Search = Omit<SearchOptions, "progress">;

/** One scenario. */
export interface SearchPlan {
  readonly kind: "search";
  readonly subject: Subject;
  readonly search: Search;
  readonly dataRaces: boolean;
}

/** Several scenarios, each with an equal share of the schedules. */
export interface EachPlan {
  readonly kind: "each";
  readonly subjects: readonly Subject[];
  readonly search: Search;
  readonly dataRaces: boolean;
}

/** The programs that a module exports, each with all of the schedules. */
export interface ProgramsPlan {
  readonly kind: "programs";
  readonly path: string;
  readonly programs: readonly string[];
  readonly search: Search;
}

/** A search over programs. */
export interface FuzzPlan extends FuzzLimits {
  readonly kind: "fuzz";
}

/** A search over programs made of the calls of a module. */
export interface CallsPlan extends CallsLimits {
  readonly kind: "calls";
}

/** Exhibits to be proven. */
export interface ProofsPlan {
  readonly kind: "proofs";
  readonly ids: readonly string[];
  readonly shareSeconds: number;
}

export type Plan = SearchPlan | EachPlan | ProgramsPlan | FuzzPlan | CallsPlan | ProofsPlan;

/** What is known of one search after some of its jobs. */
export interface SearchedSoFar {
  readonly schedules: number;
  /** Bounds that are complete, ascending. */
  readonly bounds: readonly Complete[];
  readonly conflicts: number;
  readonly ordersDiffer: boolean;
  readonly failure: ExploreResult["failure"];
}

export interface ScenarioSearched extends SearchedSoFar {
  readonly scenario: string;
}

/**
 * The answer for several scenarios: `complete` is the bound that all of them have completed, and
 * `conflicts` the sum.
 */
export interface EachResult extends ExploreResult {
  /** Number of the scenario that fails, or -1. */
  readonly winner: number;
  readonly scenarios: readonly ScenarioSearched[];
}

/** Every `of`th job of a plan, from job `index` on. */
export interface Slice {
  readonly index: number;
  readonly of: number;
}

export type NumberedAnswer = readonly [number: number, answer: JobAnswer];

/** Jobs of a plan that is limited by a number; more where one would have more than these to do. */
const JOBS = 4;
const MOST_SCHEDULES = 25_000;
const MOST_PROGRAMS = 500;

/** `threads`: that share a search which is limited by time. */
export function jobsOf(plan: Plan, threads: number): readonly Job[] {
  switch (plan.kind) {
    case "search":
      return searchJobs(plan, threads);
    case "each":
      return eachJobs(plan);
    case "fuzz":
      return fuzzJobs(plan, threads);
    case "calls":
      return callsJobs(plan, threads);
    case "programs":
      return plan.programs.map((program) => {
        const { path, search } = plan;
        return { kind: "program", path, program, search };
      });
    default:
      return plan.ids.map((id): ProofJob => {
        return { kind: "proof", id, shareSeconds: plan.shareSeconds };
      });
  }
}

/** Job 0 runs the bounds, the others sample. */
function searchJobs({ subject, search, dataRaces }: SearchPlan, threads: number): SearchJob[] {
  const { strategy = "portfolio", schedules, seed = 1 } = search;
  if (strategy === "bound" || strategy === "all")
    return [{ kind: "search", subject, search, dataRaces, shard: 0 }];
  const isMixed = strategy === "portfolio";
  const shares = schedules === undefined ? undefined : sharesOf(schedules, isMixed);
  const count = shares?.length ?? threads;
  if (count === 1) return [{ kind: "search", subject, search, dataRaces, shard: 0 }];
  return Array.from({ length: count }, (_, shard) => {
    const share = shares === undefined ? {} : { schedules: shares[shard] as number };
    const own = { ...search, ...share, seed: seed + shard * 1_000_003 };
    const bounds = { ...own, strategy: "bound" as const };
    // A portfolio without bounds is its samplers in turn.
    const samplers = isMixed ? { ...own, preemptions: -1 } : own;
    const isBounds = isMixed && shard === 0;
    return { kind: "search", subject, search: isBounds ? bounds : samplers, dataRaces, shard };
  });
}

/** Schedules of each job. The bounds are one job, with a quarter of them. */
function sharesOf(schedules: number, isMixed: boolean): number[] {
  const bounds = isMixed ? [part(schedules, 0, JOBS)] : [];
  const rest = schedules - (bounds[0] ?? 0);
  const count = Math.max(JOBS - bounds.length, Math.ceil(rest / MOST_SCHEDULES));
  return [...bounds, ...Array.from({ length: count }, (_, index) => part(rest, index, count))];
}

function eachJobs({ subjects, search, dataRaces }: EachPlan): SearchJob[] {
  const { schedules } = search;
  return subjects.map((subject, shard) => {
    const share =
      schedules === undefined ? {} : { schedules: part(schedules, shard, subjects.length) };
    return { kind: "search", subject, search: { ...search, ...share }, dataRaces, shard };
  });
}

function fuzzJobs({ kind, ...limits }: FuzzPlan, threads: number): FuzzJob[] {
  const shards = shardsOf(limits.programs, threads);
  return Array.from({ length: shards }, (_, shard) => ({ kind, limits, shard, shards }));
}

function callsJobs({ kind, ...limits }: CallsPlan, threads: number): CallsJob[] {
  const shards = shardsOf(limits.programs, threads);
  return Array.from({ length: shards }, (_, shard) => ({ kind, limits, shard, shards }));
}

function shardsOf(programs: number | undefined, threads: number): number {
  if (programs === undefined) return threads;
  return Math.max(JOBS, Math.ceil(programs / MOST_PROGRAMS));
}

const part = (whole: number, index: number, of: number): number =>
  Math.floor((whole * (index + 1)) / of) - Math.floor((whole * index) / of);

/** Whether the jobs after one with this answer no longer count. */
export function isDecided(plan: Plan, answer: JobAnswer | undefined): boolean {
  return plan.kind !== "programs" && hasFailure(answer);
}

export function hasFailure(answer: JobAnswer | undefined): boolean {
  return answer !== undefined && "failure" in answer && answer.failure !== undefined;
}

/** The lowest with a failure, or -1. */
export function winnerOf(answers: readonly (JobAnswer | undefined)[]): number {
  return answers.findIndex(hasFailure);
}

/** The answers that count: those up to the lowest with a failure. */
export function counted<T extends JobAnswer>(answers: readonly (T | undefined)[]): T[] {
  const winner = winnerOf(answers);
  const upTo = answers.slice(0, winner < 0 ? undefined : winner + 1);
  return upTo.filter((answer) => answer !== undefined);
}

/** One answer of all jobs of a search; `seconds`: that it took. */
export function searchAnswer(
  answers: readonly (ExploreResult | undefined)[],
  seconds: number,
): ExploreResult {
  const those = counted(answers);
  const { complete, bounds = [] } = answers[0] ?? {};
  const conflicts = Math.max(0, ...those.map((answer) => answer.conflicts));
  const ordersDiffer = those.some((answer) => answer.ordersDiffer);
  return { ...sumOf(those, seconds), complete, bounds, conflicts, ordersDiffer };
}

/** One answer of several scenarios; `winner`: the one of them that fails, or -1. */
export function eachAnswer(
  scenarios: readonly ScenarioSearched[],
  sum: SearchSum,
  winner: number,
): EachResult {
  const bounds = scenarios.map((one) => one.bounds);
  const complete = leastComplete(bounds);
  return {
    ...sum,
    complete,
    bounds: complete === undefined ? [] : [complete],
    conflicts: scenarios.reduce((total, one) => total + one.conflicts, 0),
    ordersDiffer: scenarios.some((one) => one.ordersDiffer),
    winner,
    scenarios,
  };
}

/** The answer of a plan of several scenarios, from the answers of its jobs. */
export function eachAnswerOf(
  { subjects }: EachPlan,
  answers: readonly (ExploreResult | undefined)[],
  seconds: number,
): EachResult {
  const those = counted(answers);
  const scenarios = subjects.map(({ scenario }, at): ScenarioSearched => {
    const {
      schedules = 0,
      bounds = [],
      conflicts = 0,
      ordersDiffer = false,
      failure,
    } = those[at] ?? {};
    return { scenario, schedules, bounds, conflicts, ordersDiffer, failure };
  });
  return eachAnswer(scenarios, sumOf(those, seconds), winnerOf(answers));
}

type SearchSum = Pick<ExploreResult, "schedules" | "steps" | "seconds" | "cpuSeconds" | "failure">;

/** Of answers that count: the last has the failure, if there is one. */
export function sumOf(those: readonly ExploreResult[], seconds: number): SearchSum {
  const add = (of: (answer: ExploreResult) => number): number =>
    those.reduce((total, answer) => total + of(answer), 0);
  return {
    schedules: add(({ schedules }) => schedules),
    steps: add(({ steps }) => steps),
    seconds,
    cpuSeconds: add(({ cpuSeconds }) => cpuSeconds),
    failure: those.at(-1)?.failure,
  };
}
