// SPDX-License-Identifier: GPL-2.0-only
/** Where the jobs of the explorer run: in a pool of threads, or wherever a queue is served. */
import type { Job, JobAnswer } from "../src/museum/jobs.ts";

export interface Runner {
  /** Rejects when `signal` is aborted. `hear`: of the progress, a few times a second. */
  run(job: Job, signal: AbortSignal, hear: (progress: object) => void): Promise<JobAnswer>;
  close(): Promise<void>;
}
