// SPDX-License-Identifier: GPL-2.0-only
/**
 * The threads of a run: one a task, and one more where CPUs go and come. A call to a thread that
 * dies is answered by the death. The run is told as well and writes the death into the machine,
 * since other tasks may wait for the dead one.
 */
import type { Remote } from "comlink";
import type { SharedKernel } from "../src/kernel/shared-kernel.ts";
import { threadModule } from "../workers/thread-module.ts";
import type { HotplugThread } from "./hotplug.ts";
import type { CpuThread } from "./protocol.ts";
import { NOWHERE, type Sampled } from "./sampled.ts";
import { ThreadRefused } from "./thread-refused.ts";
import { ThreadDied, WorkerThread } from "./worker-thread.ts";

/** An operation makes next to no objects of JavaScript: 3 MiB less a thread, at the same speed. */
const LITTLE_GARBAGE = { maxYoungGenerationSizeMb: 2 };

export class WorkerPool {
  readonly tasks: number;
  /** As a task it has the number behind the last of the others. */
  readonly hotplug: WorkerThread<HotplugThread> | undefined;
  private readonly workers: readonly WorkerThread<CpuThread>[];
  /** Told of each thread that ends before `close`. */
  onDeath: (task: number, death: ThreadDied) => void = () => undefined;

  private constructor(
    workers: readonly WorkerThread<CpuThread>[],
    hotplug: WorkerThread<HotplugThread> | undefined,
  ) {
    this.workers = workers;
    this.tasks = workers.length;
    this.hotplug = hotplug;
    for (const [task, worker] of this.threads.entries()) {
      worker.onDeath((death) => this.onDeath(task, death));
    }
  }

  private get threads(): (WorkerThread<CpuThread> | WorkerThread<HotplugThread>)[] {
    return this.hotplug === undefined ? [...this.workers] : [...this.workers, this.hotplug];
  }

  /** @throws ThreadRefused where there cannot be so many threads; those started are closed */
  static async open(
    shared: SharedKernel,
    tasks: number,
    wanted: { readonly hotplug: boolean; readonly mutation: string | undefined },
  ): Promise<WorkerPool> {
    const count = wanted.hotplug ? tasks + 1 : tasks;
    const workers: WorkerThread<CpuThread>[] = [];
    try {
      const cpu = threadModule("cpu", wanted.mutation);
      while (workers.length < tasks) {
        workers.push(new WorkerThread<CpuThread>(cpu, { shared }, [], LITTLE_GARBAGE));
      }
      const hotplug = wanted.hotplug
        ? new WorkerThread<HotplugThread>(threadModule("hotplug", wanted.mutation), { shared })
        : undefined;
      return new WorkerPool(workers, hotplug);
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.close()));
      if (!(error instanceof ThreadRefused)) throw error;
      const started = `this machine let us start ${workers.length} of ${count} threads`;
      throw new ThreadRefused(`${started}; with fewer --cpus there are fewer`, { cause: error });
    }
  }

  /** One task does something. @throws ThreadDied */
  async ask<T>(task: number, call: (api: Remote<CpuThread>) => Promise<T>): Promise<T> {
    return (this.workers[task] as WorkerThread<CpuThread>).ask(call);
  }

  /** All tasks do something at once; a task that died answers with its death. */
  async askAll<T>(call: (api: Remote<CpuThread>) => Promise<T>): Promise<(T | ThreadDied)[]> {
    return Promise.all(this.workers.map((worker) => orDeath(worker.ask(call))));
  }

  /** Where one thread runs in circles; nothing where it is dead by now. */
  async sampled(task: number): Promise<Sampled> {
    const where = await orDeath(this.threads[task]?.sampled() ?? Promise.resolve(NOWHERE));
    return where instanceof ThreadDied ? NOWHERE : where;
  }

  /** Ends one thread by force, in mid-operation. */
  async kill(task: number): Promise<void> {
    await this.threads[task]?.kill();
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((worker) => worker.close()));
  }
}

/** The answer, or the death of the thread that was asked. */
export async function orDeath<T>(asked: Promise<T>): Promise<T | ThreadDied> {
  return asked.catch((error) => {
    if (error instanceof ThreadDied) return error;
    throw error;
  });
}
