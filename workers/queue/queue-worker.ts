// SPDX-License-Identifier: GPL-2.0-only
/** Serves a queue: takes its jobs, as many at a time as there are threads, until it is closed. */
import type { Job, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { Pool } from "../pool.ts";
import { bullmq, connect } from "./connection.ts";
import {
  ABORTED,
  abortKey,
  aliveKey,
  KEPT_SECONDS,
  PREFIX,
  type QueuedAnswer,
  type QueuedJob,
  queueName,
} from "./protocol.ts";

/** How often a worker says that it lives, and asks which of its jobs are to end. */
const BEAT_MS = 500;
const ALIVE_SECONDS = 10;
/** A job that so many workers died with is itself to blame. */
const MOST_DEATHS = 50;

export interface WorkerPlace {
  readonly url: string;
  /** Digest of the source of this process. */
  readonly source: string;
  readonly threads: number;
  /** A worker that is silent for so long has died, and its jobs go to others. */
  readonly silentSeconds: number;
}

export interface Served {
  readonly done: number;
  readonly running: number;
}

export class QueueWorker {
  private readonly place: WorkerPlace;
  private readonly redis: Redis;
  private readonly pool: Pool;
  private readonly worker: Worker<QueuedJob, QueuedAnswer>;
  private readonly running = new Map<string, AbortController>();
  private readonly beat: NodeJS.Timeout;
  private done = 0;
  private hear: (served: Served) => void = () => {};

  private constructor(place: WorkerPlace, redis: Redis, { Worker }: typeof import("bullmq")) {
    this.place = place;
    this.redis = redis;
    this.pool = new Pool(place.threads);
    const kept = { age: KEPT_SECONDS };
    this.worker = new Worker(queueName(place.source), (job) => this.serve(job), {
      connection: redis,
      prefix: PREFIX,
      concurrency: place.threads,
      lockDuration: place.silentSeconds * 1000,
      stalledInterval: place.silentSeconds * 500,
      maxStalledCount: MOST_DEATHS,
      removeOnComplete: kept,
      removeOnFail: kept,
    });
    // The server went away, or gave the job to another worker meanwhile: both answers are the same.
    this.worker.on("error", () => {});
    this.beat = setInterval(() => this.onBeat().catch(() => {}), BEAT_MS);
  }

  /** @throws BadQueue */
  static async open(place: WorkerPlace): Promise<QueueWorker> {
    const loaded = await bullmq();
    const worker = new QueueWorker(place, await connect(place.url), loaded);
    await worker.onBeat();
    return worker;
  }

  onServed(hear: (served: Served) => void): void {
    this.hear = hear;
  }

  get served(): Served {
    return { done: this.done, running: this.running.size };
  }

  private async serve(job: Job<QueuedJob, QueuedAnswer>): Promise<QueuedAnswer> {
    const id = job.id as string;
    if ((await this.redis.exists(abortKey(id))) > 0) throw new Error(ABORTED);
    const abort = new AbortController();
    this.running.set(id, abort);
    this.hear(this.served);
    const tell = (progress: object): void => {
      // What is not heard of is told again by the answer.
      job.updateProgress(progress).catch(() => {});
    };
    const { job: work, modules } = job.data;
    try {
      const answer = await this.pool.run(work, abort.signal, tell, modules);
      this.done++;
      return answer;
    } catch (error) {
      throw abort.signal.aborted ? new Error(ABORTED) : new Error(reasonOf(error as Error));
    } finally {
      this.running.delete(id);
      this.hear(this.served);
    }
  }

  private async onBeat(): Promise<void> {
    await this.redis.set(aliveKey(this.place.source), "", "EX", ALIVE_SECONDS);
    for (const [id, abort] of this.running) {
      if ((await this.redis.exists(abortKey(id))) > 0) abort.abort();
    }
  }

  /** The jobs that it has not finished go to other workers. */
  async close(): Promise<void> {
    clearInterval(this.beat);
    await this.pool.close();
    await this.worker.close(true);
    this.redis.disconnect();
  }
}

/** The kind of the error is in its stack alone, once it has come from a thread. */
function reasonOf({ message, stack = "" }: Error): string {
  const [, kind = "Error"] = /^(\w+): /.exec(stack) ?? [];
  return `${kind}: ${message}`;
}
