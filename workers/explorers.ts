// SPDX-License-Identifier: GPL-2.0-only
/**
 * The explorer on several cores: jobs for a pool of threads. A search is cut into numbered shards,
 * each a function of its number alone. The lowest shard with a failure wins, so the answer does not
 * depend on the speed of the threads. Shard 0 runs the bounds, the others sample.
 */
import { Piscina } from "piscina";
import { leastComplete } from "../src/explore/budget.ts";
import type { ExploreResult, SearchOptions } from "../src/explore/explore.ts";
import type { FuzzResult } from "../src/laboratory/fuzz/fuzz.ts";
import type {
  FuzzJob,
  FuzzPlan,
  FuzzShardProgress,
  ProofJob,
  SearchJob,
  ShardProgress,
} from "../src/museum/jobs.ts";
import type { Proof } from "../src/museum/prove.ts";
import type { Subject } from "../src/museum/subject.ts";
import { Rounds, type SearchedSoFar } from "./rounds.ts";

export interface SearchPlan {
  readonly subject: Subject;
  readonly search: Omit<SearchOptions, "progress">;
  readonly dataRaces: boolean;
}

/** What is known of one scenario of several. */
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

/** Shards of a search for a given number of schedules: the same on every machine. */
const SHARDS = 4;

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";

export class Explorers {
  private readonly pool: Piscina;
  private readonly threads: number;

  constructor(threads: number) {
    this.threads = threads;
    this.pool = new Piscina({
      filename: new URL(`./explore.${extension}`, import.meta.url).href,
      minThreads: 1,
      maxThreads: threads,
    });
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  /** Hears of the progress of all shards. */
  onProgress(hear: (progress: ShardProgress) => void): void {
    this.pool.on("message", hear);
  }

  onFuzzProgress(hear: (progress: FuzzShardProgress) => void): void {
    this.pool.on("message", hear);
  }

  async prove(job: ProofJob, signal?: AbortSignal): Promise<Proof> {
    return this.pool.run(job, signal === undefined ? {} : { signal });
  }

  /** One answer from all shards. Rejects if it is aborted before a shard has found a failure. */
  async search(plan: SearchPlan, signal?: AbortSignal): Promise<ExploreResult> {
    const start = performance.now();
    const answers = await this.race<ExploreResult>(shardsOf(plan, this.threads), signal);
    const [first] = answers;
    const conflicts = Math.max(...answers.map((answer) => answer?.conflicts ?? 0));
    const ordersDiffer = answers.some((answer) => answer?.ordersDiffer === true);
    const { complete, bounds = [] } = first ?? {};
    return { ...merged(answers, start), complete, bounds, conflicts, ordersDiffer };
  }

  /**
   * Several subjects, each in one thread; they share the budget in rounds (rounds.ts). The first that
   * fails, in the order given, is the answer. `search`: of all, with the budget that they share.
   */
  async searchEach(
    subjects: readonly Subject[],
    { search, dataRaces }: Omit<SearchPlan, "subject">,
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
      const counted = subjects.map((_, at) =>
        winner < 0 || at <= winner ? raced[jobs.findIndex(({ shard }) => shard === at)] : undefined,
      );
      rounds.ended(counted);
    }
    const bounds = rounds.searches.map((one) => one.bounds);
    const complete = leastComplete(bounds);
    const scenarios = subjects.map(({ scenario }, at) => ({
      scenario,
      ...(rounds.searches[at] as SearchedSoFar),
    }));
    return {
      ...merged(answers, start),
      complete,
      bounds: complete === undefined ? [] : [complete],
      conflicts: scenarios.reduce((sum, one) => sum + one.conflicts, 0),
      ordersDiffer: scenarios.some((one) => one.ordersDiffer),
      winner,
      scenarios,
    };
  }

  /** A search over programs, in as many shards as there are threads. */
  async fuzz(plan: FuzzPlan, signal?: AbortSignal): Promise<readonly (FuzzResult | undefined)[]> {
    const shards = plan.seconds === Number.POSITIVE_INFINITY ? SHARDS : this.threads;
    const jobs = Array.from({ length: shards }, (_, shard) => ({
      kind: "fuzz" as const,
      plan,
      shard,
      shards,
    }));
    return this.race<FuzzResult>(jobs, signal);
  }

  /** The answers of all jobs, except those after the first with a failure. */
  private async race<T extends Answer>(
    shards: readonly (SearchJob | FuzzJob)[],
    signal: AbortSignal | undefined,
  ): Promise<(T | undefined)[]> {
    const aborts = shards.map(() => new AbortController());
    const stop = (from: number): void => {
      for (const abort of aborts.slice(from)) abort.abort();
    };
    signal?.addEventListener("abort", () => stop(0));
    const answers = await Promise.all(
      shards.map(async (job, shard) => {
        const { signal: own } = aborts[shard] as AbortController;
        const answer: T | undefined = await this.pool
          .run(job, { signal: own })
          .catch((error: unknown) => {
            if (own.aborted) return undefined;
            throw error;
          });
        // Failures of later shards no longer count.
        if (answer?.failure !== undefined) stop(shard + 1);
        return answer;
      }),
    );
    // An abort loses no failure that a shard has found.
    if (winnerOf(answers) < 0) signal?.throwIfAborted();
    return answers;
  }
}

function shardsOf({ subject, search, dataRaces }: SearchPlan, threads: number): SearchJob[] {
  const { strategy = "portfolio", schedules, seed = 1 } = search;
  const count = strategy === "bound" ? 1 : schedules === undefined ? threads : SHARDS;
  if (count === 1) return [{ kind: "search", subject, search, dataRaces, shard: 0 }];
  const isMixed = strategy === "portfolio";
  return Array.from({ length: count }, (_, shard) => {
    const isBounds = isMixed && shard === 0;
    const share = schedules === undefined ? {} : { schedules: part(schedules, shard, count) };
    const own = { ...search, ...share, seed: seed + shard * 1_000_003 };
    const bounds = { ...own, strategy: "bound" as const };
    // A portfolio without bounds is its samplers in turn.
    const samplers = isMixed ? { ...own, preemptions: -1 } : own;
    return {
      kind: "search" as const,
      subject,
      search: isBounds ? bounds : samplers,
      dataRaces,
      shard,
    };
  });
}

const part = (whole: number, index: number, of: number): number =>
  Math.floor((whole * (index + 1)) / of) - Math.floor((whole * index) / of);

/** A search's answer, as far as a race of searches looks at it. */
interface Answer {
  readonly failure: unknown;
}

const winnerOf = (answers: readonly (Answer | undefined)[]): number =>
  answers.findIndex((answer) => answer?.failure !== undefined);

/** The failure of the lowest shard that has one; the figures are sums up to that shard. */
function merged(
  answers: readonly (ExploreResult | undefined)[],
  start: number,
): Pick<ExploreResult, "schedules" | "steps" | "seconds" | "cpuSeconds" | "failure"> {
  const winner = winnerOf(answers);
  const counted = answers.slice(0, winner < 0 ? undefined : winner + 1);
  const sum = (of: (answer: ExploreResult) => number): number =>
    counted.reduce((total, answer) => total + (answer === undefined ? 0 : of(answer)), 0);
  return {
    schedules: sum(({ schedules }) => schedules),
    steps: sum(({ steps }) => steps),
    seconds: (performance.now() - start) / 1000,
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    failure: winner < 0 ? undefined : answers[winner]?.failure,
  };
}
