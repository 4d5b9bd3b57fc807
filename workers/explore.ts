// SPDX-License-Identifier: GPL-2.0-only
/** A thread of the explorer: one job at a time, each a pure function of its input. */
import { parentPort } from "node:worker_threads";
import {
  type Job,
  type JobAnswer,
  runFuzz,
  runProgram,
  runProof,
  runSearch,
} from "../src/museum/jobs.ts";

export default async function explore(job: Job): Promise<JobAnswer> {
  const tell = (progress: object): void => parentPort?.postMessage(progress);
  switch (job.kind) {
    case "search":
      return runSearch(job, tell);
    case "fuzz":
      return runFuzz(job, tell);
    case "program":
      return runProgram(job);
    default:
      return runProof(job);
  }
}
