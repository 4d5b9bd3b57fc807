// SPDX-License-Identifier: GPL-2.0-only
/** Jobs in threads of this process. */
import { MessageChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import { type Job, type JobAnswer, loadedBy } from "../src/museum/jobs.ts";
import type { SentModules } from "../src/museum/sent-modules.ts";
import type { JobMessage } from "./explore.ts";
import type { Runner } from "./runner.ts";
import { threadModule } from "./thread-module.ts";

export class Pool implements Runner {
  private readonly threads: number;
  /** By the module of their threads. */
  private readonly pools = new Map<string, Piscina>();

  constructor(threads: number) {
    this.threads = threads;
  }

  async run(
    job: Job,
    signal: AbortSignal,
    hear: (progress: object) => void,
    modules?: SentModules,
  ): Promise<JobAnswer> {
    const { port1, port2: progress } = new MessageChannel();
    port1.on("message", hear);
    port1.unref();
    const message: JobMessage = { job, progress, modules };
    try {
      return await this.poolOf(job).run(message, { signal, transferList: [progress] as never });
    } finally {
      // Else a job that was aborted before it began would leave its channel open.
      progress.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.pools.values()].map((pool) => pool.destroy()));
  }

  private poolOf(job: Job): Piscina {
    const filename = threadModule("explore", loadedBy(job)).href;
    let pool = this.pools.get(filename);
    if (pool === undefined) {
      pool = new Piscina({ filename, minThreads: 1, maxThreads: this.threads });
      this.pools.set(filename, pool);
    }
    return pool;
  }
}
