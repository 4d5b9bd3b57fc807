// SPDX-License-Identifier: GPL-2.0-only
/** A thread of the explorer: one job at a time, each a pure function of its input. */
import type { MessagePort } from "node:worker_threads";
import {
  type Job,
  type JobAnswer,
  runCalls,
  runFuzz,
  runProgram,
  runProof,
  runSearch,
} from "../src/museum/jobs.ts";
import { type SentModules, useSentModules } from "../src/museum/sent-modules.ts";

export interface JobMessage {
  readonly job: Job;
  /** Where the progress goes. */
  readonly progress: MessagePort;
  /** The user's modules, where the job has come from another machine. */
  readonly modules: SentModules | undefined;
}

export default async function explore({ job, progress, modules }: JobMessage): Promise<JobAnswer> {
  if (modules !== undefined) useSentModules(modules);
  try {
    return await run(job, (now: object): void => progress.postMessage(now));
  } finally {
    progress.close();
  }
}

async function run(job: Job, tell: (progress: object) => void): Promise<JobAnswer> {
  switch (job.kind) {
    case "search":
      return runSearch(job, tell);
    case "fuzz":
      return runFuzz(job, tell);
    case "program":
      return runProgram(job);
    case "calls":
      return runCalls(job, tell);
    default:
      return runProof(job);
  }
}
