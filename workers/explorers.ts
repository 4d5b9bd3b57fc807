// SPDX-License-Identifier: GPL-2.0-only
/**
 * The explorer on several cores: jobs for a pool of threads. A search is cut into numbered shards,
 * each a function of its number alone. The lowest shard with a failure wins, so the answer does not
 * depend on the speed of the threads. Shard 0 runs the bounds, the others sample.
 */
import { Piscina } from "piscina";
import { leastComplete } from "../src/explore/budget.ts";
import type { ExploreResult, SearchOptions } from "../src/explore/explore.ts";
import type { ProofJob, SearchJob, ShardProgress } from "../src/museum/jobs.ts";
import type { Proof } from "../src/museum/prove.ts";
import type { Subject } from "../src/museum/subject.ts";

export interface SearchPlan {
  readonly subject: Subject;
  readonly search: Omit<SearchOptions, "progress">;
  readonly dataRaces: boolean;
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

  async prove(job: ProofJob, signal?: AbortSignal): Promise<Proof> {
    return this.pool.run(job, signal === undefined ? {} : { signal });
  }

  /** One answer from all shards. Rejects if it is aborted before a shard has found a failure. */
  async search(plan: SearchPlan, signal?: AbortSignal): Promise<ExploreResult> {
    const start = performance.now();
    const answers = await this.race(shardsOf(plan, this.threads), signal);
    return { ...merged(answers, start), complete: answers[0]?.complete };
  }

  /**
   * Several subjects, each in one thread with an equal share of the budget. The first that fails, in
   * the order given, is the answer; `complete` holds for all of them. Most bugs need no more than one
   * preemption, so a portfolio tries that on every subject, with half of the budget, before it looks
   * deeper.
   */
  async searchEach(
    plans: readonly SearchPlan[],
    signal?: AbortSignal,
  ): Promise<ExploreResult & { readonly winner: number }> {
    const start = performance.now();
    const isMixed = plans.every(
      ({ search: { strategy = "portfolio" } }) => strategy === "portfolio",
    );
    const share = (isMixed ? 0.5 : 1) / plans.length;
    const deep = plans.map((plan, shard) => wholeJob(plan, shard, share, this.threads));
    const passes = isMixed ? [deep.map(shallower), deep] : [deep];
    const answers: (ExploreResult | undefined)[] = [];
    for (const jobs of passes) {
      answers.push(...(await this.race(jobs, signal)));
      if (winnerOf(answers) >= 0) break;
    }
    const winner = winnerOf(answers);
    const complete = leastComplete(answers.slice(-plans.length));
    return { ...merged(answers, start), complete, winner: winner % plans.length };
  }

  /** The answers of all jobs, except those after the first with a failure. */
  private async race(
    shards: readonly SearchJob[],
    signal: AbortSignal | undefined,
  ): Promise<(ExploreResult | undefined)[]> {
    const aborts = shards.map(() => new AbortController());
    const stop = (from: number): void => {
      for (const abort of aborts.slice(from)) abort.abort();
    };
    signal?.addEventListener("abort", () => stop(0));
    const answers = await Promise.all(
      shards.map(async (job, shard) => {
        const { signal: own } = aborts[shard] as AbortController;
        const answer: ExploreResult | undefined = await this.pool
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

/** A plan as one job, with a share of its budget: of its schedules, or of the threads' time. */
function wholeJob(
  { subject, search, dataRaces }: SearchPlan,
  shard: number,
  share: number,
  threads: number,
): SearchJob {
  const { schedules, seconds } = search;
  const own = {
    ...search,
    ...(schedules === undefined ? {} : { schedules: Math.ceil(schedules * share) }),
    ...(seconds === undefined ? {} : { seconds: seconds * share * threads }),
  };
  return { kind: "search", subject, search: own, dataRaces, shard };
}

/** The same job, with only the schedules of at most one preemption. */
function shallower(job: SearchJob): SearchJob {
  const { preemptions = 1 } = job.search;
  const search = {
    ...job.search,
    strategy: "bound",
    preemptions: Math.min(preemptions, 1),
  } as const;
  return { ...job, search };
}

const part = (whole: number, index: number, of: number): number =>
  Math.floor((whole * (index + 1)) / of) - Math.floor((whole * index) / of);

type Answers = readonly (ExploreResult | undefined)[];

const winnerOf = (answers: Answers): number =>
  answers.findIndex((answer) => answer?.failure !== undefined);

/** The failure of the lowest shard that has one; the figures are sums up to that shard. */
function merged(answers: Answers, start: number): Omit<ExploreResult, "complete"> {
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
