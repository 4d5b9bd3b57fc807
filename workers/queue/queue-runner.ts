// SPDX-License-Identifier: GPL-2.0-only
/**
 * Jobs on a queue. Delivery is at least once: a job whose worker has died, or that the server forgot
 * when it broke down, is run again, which gives the same answer. The name of a job is the digest of its
 * data, so a search that is asked once more finds the answers that are there already.
 */
import { createHash } from "node:crypto";
import type { Queue, QueueEvents } from "bullmq";
import type { Redis } from "ioredis";
import type { Job as Work } from "../../src/museum/jobs.ts";
import { isModule, modulesToSend } from "../../src/museum/sent-modules.ts";
import type { Runner } from "../runner.ts";
import { BadQueue, bullmq, connect, shown } from "./connection.ts";
import {
  ABORTED,
  ALIVE,
  abortKey,
  aliveKey,
  KEPT_SECONDS,
  PREFIX,
  type QueuedAnswer,
  type QueuedJob,
  queueName,
} from "./protocol.ts";

/** Events tell of ends at once; what they missed while the server was away is found so much later. */
const LOOK_EVERY_MS = 2000;

interface Waiting {
  readonly queued: QueuedJob;
  readonly answer: Promise<QueuedAnswer>;
  readonly hear: (progress: object) => void;
  resolve(answer: QueuedAnswer): void;
  reject(error: unknown): void;
}

export interface QueuePlace {
  readonly url: string;
  /** Digest of the source: workers of another are of no use. */
  readonly source: string;
  /** Hears what the user should know while the search waits. */
  readonly note: (message: string) => void;
}

export class QueueRunner implements Runner {
  private readonly place: QueuePlace;
  private readonly redis: Redis;
  private readonly queue: Queue<QueuedJob, QueuedAnswer>;
  private readonly events: QueueEvents;
  private readonly waiting = new Map<string, Waiting>();
  private readonly leaving = new Set<Promise<unknown>>();
  private readonly timer: NodeJS.Timeout;

  private constructor(
    place: QueuePlace,
    redis: Redis,
    queue: Queue<QueuedJob, QueuedAnswer>,
    events: QueueEvents,
  ) {
    this.place = place;
    this.redis = redis;
    this.queue = queue;
    this.events = events;
    for (const end of ["completed", "failed"] as const) {
      events.on(end, ({ jobId }: { jobId: string }) => this.look(jobId));
    }
    events.on("progress", ({ jobId, data }) => this.waiting.get(jobId)?.hear(data as object));
    this.timer = setInterval(() => {
      for (const id of this.waiting.keys()) this.look(id);
    }, LOOK_EVERY_MS);
    redis.on("close", () => {
      if (this.waiting.size > 0) place.note(`${shown(place.url)} is gone; waiting for it`);
    });
  }

  /** @throws BadQueue */
  static async open(place: QueuePlace): Promise<QueueRunner> {
    const { Queue, QueueEvents } = await bullmq();
    const redis = await connect(place.url);
    const options = { connection: redis, prefix: PREFIX };
    const kept = { age: KEPT_SECONDS };
    const name = queueName(place.source);
    const queue = new Queue<QueuedJob, QueuedAnswer>(name, {
      ...options,
      defaultJobOptions: { removeOnComplete: kept, removeOnFail: kept },
    });
    const events = new QueueEvents(name, options);
    // The server may go away and come back; until it does, jobs wait.
    queue.on("error", () => {});
    events.on("error", () => {});
    await events.waitUntilReady();
    const runner = new QueueRunner(place, redis, queue, events);
    try {
      await runner.lookForWorkers();
    } catch (error) {
      await runner.close();
      throw error;
    }
    return runner;
  }

  /** A worker of another version will not do; none at all may still come. */
  private async lookForWorkers(): Promise<void> {
    const { url, source, note } = this.place;
    if ((await this.redis.exists(aliveKey(source))) > 0) return;
    const others: string[] = [];
    for await (const keys of this.redis.scanStream({ match: `${ALIVE}*` })) others.push(...keys);
    const name = queueName(source);
    if (others.length > 0) {
      const theirs = others.map((key) => key.slice(ALIVE.length)).join(", ");
      throw new BadQueue(
        `the workers at ${shown(url)} are of another version of slablab: source ${theirs}, not ${name}`,
      );
    }
    note(`no worker is at ${shown(url)} yet: slablab worker --queue ${shown(url)}`);
  }

  run(job: Work, signal: AbortSignal, hear: Waiting["hear"]): Promise<QueuedAnswer> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const queued = { job, modules: modulesToSend(modulesOf(job)) };
    const id = createHash("sha256").update(JSON.stringify(queued)).digest("hex");
    const { promise: answer, resolve, reject } = Promise.withResolvers<QueuedAnswer>();
    const known = this.waiting.get(id);
    if (known !== undefined) return known.answer;
    this.waiting.set(id, { queued, answer, hear, resolve, reject });
    signal.addEventListener("abort", () => this.leave(id, signal.reason));
    this.following(id, this.add(id, queued));
    return answer;
  }

  private async add(id: string, queued: QueuedJob): Promise<void> {
    await this.redis.del(abortKey(id));
    if ((await this.queue.getJobState(id)) === "failed") await this.queue.remove(id);
    await this.queue.add("job", queued, { jobId: id });
    // It may have been answered before.
    this.look(id);
  }

  private look(id: string): void {
    const waiting = this.waiting.get(id);
    if (waiting !== undefined) this.following(id, this.settle(id, waiting));
  }

  /** Ends the waiting for a job, if the job has ended. */
  private async settle(id: string, waiting: Waiting): Promise<void> {
    const state = await this.queue.getJobState(id);
    // A server that breaks down forgets what it has not yet written to its disk.
    if (state === "unknown") return this.add(id, waiting.queued);
    if (state !== "completed" && state !== "failed") return;
    const job = await this.queue.getJob(id);
    if (job === undefined || job.failedReason === ABORTED) return this.add(id, waiting.queued);
    this.waiting.delete(id);
    if (state === "completed") waiting.resolve(job.returnvalue);
    else waiting.reject(errorOf(job.failedReason));
  }

  private following(id: string, work: Promise<void>): void {
    work.catch((error) => {
      this.waiting.get(id)?.reject(error);
      this.waiting.delete(id);
    });
  }

  /** The answer no longer counts. */
  private leave(id: string, reason: unknown): void {
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return;
    this.waiting.delete(id);
    waiting.reject(reason);
    const left = this.end(id).finally(() => this.leaving.delete(left));
    this.leaving.add(left);
  }

  /** A job that waits is taken back; one that runs is ended by its worker. */
  private async end(id: string): Promise<void> {
    await this.redis.set(abortKey(id), "", "EX", KEPT_SECONDS);
    await this.queue.remove(id);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    // Without a server there is nobody to tell.
    if (this.redis.status === "ready") {
      await Promise.allSettled(this.leaving);
      await this.events.close();
      await this.queue.close();
    }
    this.redis.disconnect();
  }
}

/** Files of the user's that the job names. */
function modulesOf(job: Work): string[] {
  const named = [];
  if (job.kind === "search") named.push(job.subject.mutation);
  if (job.kind === "fuzz") named.push(job.limits.mutation);
  if (job.kind === "program") named.push(job.path);
  if (job.kind === "calls") named.push(job.limits.path);
  return named.filter((name) => name !== undefined && isModule(name)) as string[];
}

/** With a stack that begins as that of the error in the worker, by which commands know what to blame. */
function errorOf(reason: string): Error {
  const message = reason.replace(/^\w+: /, "");
  return Object.assign(new Error(message), { stack: reason });
}
