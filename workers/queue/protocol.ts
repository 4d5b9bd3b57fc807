// SPDX-License-Identifier: GPL-2.0-only
/**
 * What goes over the queue, and under which names. There is a queue for each version of the source, so
 * that a worker never meets a job that it would answer in another way.
 */
import type { JobAnswer, Job as Work } from "../../src/museum/jobs.ts";
import type { SentModules } from "../../src/museum/sent-modules.ts";

/** One job as plain data: all that its answer depends on, besides the version. */
export interface QueuedJob {
  readonly job: Work;
  readonly modules: SentModules;
}

export type QueuedAnswer = JobAnswer;

/** Of all keys. */
export const PREFIX = "slablab";

/** Reason of a job that was ended because its answer no longer counts. */
export const ABORTED = "aborted";

export function queueName(source: string): string {
  return source.slice(0, 16);
}

/** Is there while a job is to be ended that a worker may be running. */
export function abortKey(id: string): string {
  return `${PREFIX}:abort:${id}`;
}

/** Is there while a worker of that source is alive. */
export function aliveKey(source: string): string {
  return `${ALIVE}${queueName(source)}`;
}

export const ALIVE = `${PREFIX}:alive:`;

/** How long answers stay for a search that is asked again, and abort keys. */
export const KEPT_SECONDS = 3600;
