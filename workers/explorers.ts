// SPDX-License-Identifier: GPL-2.0-only
/**
 * The explorer on several cores: the jobs of a plan (plan.ts) for a runner, by default a pool of
 * threads. The lowest job with a failure wins, so the answer does not depend on the speed of any.
 */
import type { ExploreResult } from "../src/explore/explore.ts";
import type { FuzzResult } from "../src/laboratory/fuzz/fuzz.ts";
import type {
  CallsShardProgress,
  FuzzShardProgress,
  Job,
  JobAnswer,
  ProofJob,
  SearchJob,
  ShardProgress,
} from "../src/museum/jobs.ts";
import type { CallsResult } from "../src/museum/module-fuzz.ts";
import {
  type CallsPlan,
  counted,
  type EachResult,
  eachAnswer,
  type FuzzPlan,
  hasFailure,
  isDecided,
  jobsOf,
  type NumberedAnswer,
  type Plan,
  type SearchedSoFar,
  type SearchPlan,
  type Slice,
  searchAnswer,
  sumOf,
  winnerOf,
} from "../src/museum/plan.ts";
import type { Proof } from "../src/museum/prove.ts";
import type { Subject } from "../src/museum/subject.ts";
import { Pool } from "./pool.ts";
import { Rounds } from "./rounds.ts";
import type { Runner } from "./runner.ts";

type Hear = (progress: object) => void;

export class Explorers {
  private readonly threads: number;
  private readonly runner: Runner;
  private hear: Hear = () => {};

  /** `threads`: of this machine, which share a search that is limited by time. */
  constructor(threads: number, runner: Runner = new Pool(threads)) {
    this.threads = threads;
    this.runner = runner;
  }

  async close(): Promise<void> {
    await this.runner.close();
  }

  /** Hears of the progress of all shards. */
  onProgress(hear: (progress: ShardProgress) => void): void {
    this.hear = hear as Hear;
  }

  onFuzzProgress(hear: (progress: FuzzShardProgress) => void): void {
    this.hear = hear as Hear;
  }

  async prove(job: ProofJob, signal: AbortSignal): Promise<Proof> {
    return (await this.runner.run(job, signal, this.hear)) as Proof;
  }

  /** One answer from all jobs. Rejects if it is aborted before a job has found a failure. */
  async search(plan: Omit<SearchPlan, "kind">, signal?: AbortSignal): Promise<ExploreResult> {
    const start = performance.now();
    const jobs = jobsOf({ kind: "search", ...plan }, this.threads);
    const answers = await this.race<ExploreResult>(jobs, signal);
    return searchAnswer(answers, secondsSince(start));
  }

  /**
   * Several subjects, each in one thread; they share the budget in rounds (rounds.ts). The first that
   * fails, in the order given, is the answer. `search`: of all, with the budget that they share.
   */
  async searchEach(
    subjects: readonly Subject[],
    { search, dataRaces }: Omit<SearchPlan, "kind" | "subject">,
    signal?: AbortSignal,
  ): Promise<EachResult> {
    const start = performance.now();
    const rounds = new Rounds(search, subjects.length, this.threads);
    const answers: (ExploreResult | undefined)[] = [];
    let winner = -1;
    for (let round = rounds.next(); round !== undefined && winner < 0; round = rounds.next()) {
      const jobs = round.flatMap((search, shard): SearchJob[] => {
        const subject = subjects[shard] as Subject;
        return search === undefined ? [] : [{ kind: "search", subject, search, dataRaces, shard }];
      });
      const raced = await this.race<ExploreResult>(jobs, signal);
      answers.push(...raced);
      winner = jobs[winnerOf(raced)]?.shard ?? -1;
      // Searches after the first that fails may have ended or not: they do not count.
      const counting = subjects.map((_, at) =>
        winner < 0 || at <= winner ? raced[jobs.findIndex(({ shard }) => shard === at)] : undefined,
      );
      rounds.ended(counting);
    }
    const scenarios = subjects.map(({ scenario }, at) => ({
      scenario,
      ...(rounds.searches[at] as SearchedSoFar),
    }));
    return eachAnswer(scenarios, sumOf(counted(answers), secondsSince(start)), winner);
  }

  /** A search over programs; the answers of its jobs. */
  async fuzz(plan: FuzzPlan, signal?: AbortSignal): Promise<readonly (FuzzResult | undefined)[]> {
    return this.race<FuzzResult>(jobsOf(plan, this.threads), signal);
  }

  onCallsProgress(hear: (progress: CallsShardProgress) => void): void {
    this.hear = hear as Hear;
  }

  /** A search over programs of a module; the answers of its jobs. */
  async fuzzCalls(
    plan: CallsPlan,
    signal?: AbortSignal,
  ): Promise<readonly (CallsResult | undefined)[]> {
    return this.race<CallsResult>(jobsOf(plan, this.threads), signal);
  }

  /**
   * The answers of every `of`th job of a plan, from job `index` on, by the numbers of the jobs. Those
   * after one that decides the answer are left out.
   */
  async slice(
    plan: Plan,
    { index, of }: Slice,
    signal?: AbortSignal,
  ): Promise<readonly NumberedAnswer[]> {
    const numbered = jobsOf(plan, this.threads)
      .map((job, number) => ({ job, number }))
      .filter(({ number }) => number % of === index);
    const jobs = numbered.map(({ job }) => job);
    const decides = (answer: JobAnswer): boolean => isDecided(plan, answer);
    const answers = await this.race<JobAnswer>(jobs, signal, decides);
    // Whoever merges would take what was cut short for a shard that has run.
    signal?.throwIfAborted();
    return numbered.flatMap(({ number }, at): NumberedAnswer[] => {
      const answer = answers[at];
      return answer === undefined ? [] : [[number, answer]];
    });
  }

  /** The answers of all jobs, except those after the first with a failure. */
  private async race<T extends JobAnswer>(
    shards: readonly Job[],
    signal: AbortSignal | undefined,
    decides: (answer: T) => boolean = hasFailure,
  ): Promise<(T | undefined)[]> {
    const aborts = shards.map(() => new AbortController());
    const stop = (from: number): void => {
      for (const abort of aborts.slice(from)) abort.abort();
    };
    signal?.addEventListener("abort", () => stop(0));
    const answers = await Promise.all(
      shards.map(async (job, shard) => {
        const { signal: own } = aborts[shard] as AbortController;
        const answer = (await this.runner.run(job, own, this.hear).catch((error: unknown) => {
          if (own.aborted) return undefined;
          throw error;
        })) as T | undefined;
        // Failures of later shards no longer count.
        if (answer !== undefined && decides(answer)) stop(shard + 1);
        return answer;
      }),
    );
    // An abort loses no failure that a shard has found.
    if (winnerOf(answers) < 0) signal?.throwIfAborted();
    return answers;
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
