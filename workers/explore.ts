// SPDX-License-Identifier: GPL-2.0-only
/** A thread of the explorer: one job at a time, each a pure function of its input. */
import { parentPort } from "node:worker_threads";
import type { ExploreResult } from "../src/explore/explore.ts";
import type { FuzzResult } from "../src/laboratory/fuzz/fuzz.ts";
import {
  type FuzzJob,
  type ProofJob,
  runFuzz,
  runProof,
  runSearch,
  type SearchJob,
} from "../src/museum/jobs.ts";
import type { Proof } from "../src/museum/prove.ts";

type Job = SearchJob | FuzzJob | ProofJob;

export default async function explore(job: Job): Promise<ExploreResult | FuzzResult | Proof> {
  if (job.kind === "proof") return runProof(job);
  const tell = (progress: object): void => parentPort?.postMessage(progress);
  return job.kind === "fuzz" ? runFuzz(job, tell) : runSearch(job, tell);
}
