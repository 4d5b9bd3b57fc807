// SPDX-License-Identifier: GPL-2.0-only
/**
 * A worker with calls. A call to a worker that dies never hangs: it is raced against the worker's end.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  MessageChannel,
  type MessagePort,
  type ResourceLimits,
  type Transferable,
  Worker,
} from "node:worker_threads";
import { type Remote, wrap } from "comlink";
import { endpointOf } from "./endpoint.ts";
import { type Sampled, sampled } from "./sampled.ts";
import { ThreadRefused } from "./thread-refused.ts";

/** How long a thread is looked at that runs in circles, in ms. */
const SAMPLED_MS = 100;

export class ThreadDied extends Error {
  override name = "ThreadDied";
  /** The worker was ended from outside; otherwise something threw in it. */
  readonly sudden: boolean;

  constructor(reason: string, sudden: boolean) {
    super(reason);
    this.sudden = sudden;
  }
}

export class WorkerThread<Api> {
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly api: Remote<Api>;
  /** Rejects with a ThreadDied when the thread ends; never resolves. */
  private readonly death: Promise<never>;
  private closing = false;

  /**
   * Starts `module`, which finds its end of the line in `workerData.port` beside `data`.
   * @throws ThreadRefused
   */
  constructor(
    module: URL,
    data: object,
    transfer: readonly Transferable[] = [],
    resourceLimits: ResourceLimits = {},
  ) {
    const { port1, port2 } = new MessageChannel();
    const workerData = { ...data, port: port2 };
    const options = { workerData, transferList: [port2, ...transfer], resourceLimits };
    this.worker = startWorker(module, options);
    this.port = port1;
    this.api = wrap<Api>(endpointOf(port1));
    this.death = new Promise((_, reject) => {
      // An error is followed by the end; the first of the two settles the promise.
      this.worker.once("error", (error) => {
        reject(new ThreadDied(`its thread ended with ${error}`, false));
      });
      this.worker.once("exit", (code) => {
        reject(new ThreadDied(`its thread exited with code ${code}`, true));
      });
    });
    this.death.catch(() => undefined);
  }

  /** Told when the thread ends before `close`. */
  onDeath(tell: (death: ThreadDied) => void): void {
    this.death.catch((death: ThreadDied) => {
      if (!this.closing) tell(death);
    });
  }

  /** @throws ThreadDied */
  async ask<T>(call: (api: Remote<Api>) => Promise<T>): Promise<T> {
    return Promise.race([call(this.api), this.death]);
  }

  /** Where the thread spends its time, though it may answer nothing. @throws ThreadDied */
  async sampled(): Promise<Sampled> {
    return Promise.race([this.sample(), this.death]);
  }

  private async sample(): Promise<Sampled> {
    const profile = await this.worker.startCpuProfile();
    await delay(SAMPLED_MS);
    return sampled(await profile.stop());
  }

  /** Ends the thread by force, in mid-operation. */
  async kill(): Promise<void> {
    await this.worker.terminate();
  }

  async close(): Promise<void> {
    this.closing = true;
    this.port.close();
    await this.kill();
  }
}

function startWorker(module: URL, options: ConstructorParameters<typeof Worker>[1]): Worker {
  try {
    return new Worker(module, options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ERR_WORKER_INIT_FAILED") throw error;
    throw new ThreadRefused(`this machine starts no more threads: ${message}`, { cause: error });
  }
}
