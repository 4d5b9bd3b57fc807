// SPDX-License-Identifier: GPL-2.0-only
/** Jobs in threads of this process. */
import { MessageChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import type { Job, JobAnswer } from "../src/museum/jobs.ts";
import type { SentModules } from "../src/museum/sent-modules.ts";
import type { JobMessage } from "./explore.ts";
import type { Runner } from "./runner.ts";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";

export class Pool implements Runner {
  private readonly pool: Piscina;

  constructor(threads: number) {
    this.pool = new Piscina({
      filename: new URL(`./explore.${extension}`, import.meta.url).href,
      minThreads: 1,
      maxThreads: threads,
    });
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
      return await this.pool.run(message, { signal, transferList: [progress] as never });
    } finally {
      // Else a job that was aborted before it began would leave its channel open.
      progress.close();
    }
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}
