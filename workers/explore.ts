// SPDX-License-Identifier: GPL-2.0-only
/** A thread of the explorer: one job at a time, each a pure function of its input. */
import { parentPort } from "node:worker_threads";
import type { ExploreResult } from "../src/explore/explore.ts";
import { type ProofJob, runProof, runSearch, type SearchJob } from "../src/museum/jobs.ts";
import type { Proof } from "../src/museum/prove.ts";

export default async function explore(job: SearchJob | ProofJob): Promise<ExploreResult | Proof> {
  if (job.kind === "proof") return runProof(job);
  return runSearch(job, (progress) => parentPort?.postMessage(progress));
}
