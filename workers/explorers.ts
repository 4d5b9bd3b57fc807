/**
 * The explorer on several cores: jobs for a pool of threads. A search is cut into numbered shards,
 * each a function of its number alone; the lowest shard that finds something wins, so the answer does
 * not depend on which thread is faster. Shard 0 runs the bounds, the others sample.
 */
import { Piscina } from "piscina";
import type { ExploreResult, SearchOptions } from "../src/explore/explore.ts";
import type { ProofJob, SearchJob, ShardProgress } from "../src/museum/jobs.ts";
import type { Proof } from "../src/museum/prove.ts";
import type { Subject } from "../src/museum/subject.ts";

export interface SearchPlan {
  readonly subject: Subject;
  readonly search: Omit<SearchOptions, "progress">;
  readonly dataRaces: boolean;
}

/** Shards where the number of schedules is given: always as many, whatever the machine. */
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

  /** One answer out of all shards. Aborted, it rejects. */
  async search(plan: SearchPlan, signal?: AbortSignal): Promise<ExploreResult> {
    const shards = shardsOf(plan, this.threads);
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
            if (own.aborted && signal?.aborted !== true) return undefined;
            throw error;
          });
        // What the shards behind it may still find does not count any more.
        if (answer?.failure !== undefined) stop(shard + 1);
        return answer;
      }),
    );
    return merged(answers);
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

/** The lowest shard with a failure; what was done is summed up to that shard. */
function merged(answers: readonly (ExploreResult | undefined)[]): ExploreResult {
  const winner = answers.findIndex((answer) => answer?.failure !== undefined);
  const counted = answers.slice(0, winner < 0 ? undefined : winner + 1);
  const sum = (of: (answer: ExploreResult) => number): number =>
    counted.reduce((total, answer) => total + (answer === undefined ? 0 : of(answer)), 0);
  return {
    schedules: sum(({ schedules }) => schedules),
    steps: sum(({ steps }) => steps),
    seconds: Math.max(...counted.map((answer) => answer?.seconds ?? 0)),
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    complete: answers[0]?.complete,
    failure: winner < 0 ? undefined : answers[winner]?.failure,
  };
}
