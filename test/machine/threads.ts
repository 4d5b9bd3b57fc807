/**
 * Real worker threads over one machine, for tests: each runs one named job of a worker file as one
 * task and answers with one value. Threads wait for each other on shared words, never by the clock.
 */
import { Worker } from "node:worker_threads";
import type { SharedMachine } from "../../src/machine/machine.ts";
import { bundledFile } from "../bundled.ts";

export interface Job {
  /** Name of the job in the worker file. */
  readonly job: string;
  readonly argument?: number;
}

export interface WorkerStart extends Job {
  readonly shared: SharedMachine;
  readonly index: number;
  readonly count: number;
}

/** Runs all jobs at the same time; their answers in order. The first error ends all. */
export async function onWorkers<R>(
  file: URL,
  shared: SharedMachine,
  jobs: readonly Job[],
): Promise<R[]> {
  const code = await bundledFile(file);
  const workers = jobs.map((job, index) => {
    const workerData: WorkerStart = { ...job, shared, index, count: jobs.length };
    return new Worker(code, { workerData });
  });
  const answers = workers.map(
    (worker, index) =>
      new Promise<R>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
        worker.once("exit", () => reject(new Error(`worker ${index} ended without an answer`)));
      }),
  );
  try {
    return await Promise.all(answers);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
