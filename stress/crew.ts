/**
 * The threads of a run. A call to one that dies never hangs: it is raced against the thread's end,
 * and the death is written into the machine, so that who waits for the dead task learns of it.
 */
import { extname } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type Remote, wrap } from "comlink";
import type { SharedKernel } from "../src/kernel/kernel.ts";
import type { CpuThread, ThreadStart } from "./protocol.ts";

/** Beside this file under the same kind of name: .ts in the source, .js when built. */
const WORKER = new URL(`../workers/cpu${extname(import.meta.url)}`, import.meta.url);

export class ThreadDied extends Error {
  readonly task: number;
  /** It was ended from outside; otherwise something threw in it. */
  readonly sudden: boolean;

  constructor(task: number, sudden: boolean, reason: string) {
    super(reason);
    this.name = "ThreadDied";
    this.task = task;
    this.sudden = sudden;
  }
}

interface Member {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly api: Remote<CpuThread>;
  /** Rejects when the thread ends; never resolves. */
  readonly death: Promise<never>;
}

export class Crew {
  private readonly members: readonly Member[];
  private readonly shared: SharedKernel;
  private readonly onDeath: (death: ThreadDied) => void;
  private closing = false;

  /** Starts the threads. `onDeath` is told of each that ends before `close`. */
  constructor(shared: SharedKernel, count: number, onDeath: (death: ThreadDied) => void) {
    this.shared = shared;
    this.onDeath = onDeath;
    this.members = Array.from({ length: count }, (_, task) => this.hire(task));
  }

  private hire(task: number): Member {
    const { port1, port2 } = new MessageChannel();
    const workerData: ThreadStart = { port: port2, shared: this.shared };
    const worker = new Worker(WORKER, { workerData, transferList: [port2] });
    const death = new Promise<never>((_, reject) => {
      let isOver = false;
      const died = (sudden: boolean, reason: string): void => {
        // An error is followed by the end.
        if (isOver) return;
        isOver = true;
        const death = new ThreadDied(task, sudden, reason);
        if (!this.closing) this.onDeath(death);
        reject(death);
      };
      worker.once("error", (error) => died(false, `its thread ended with ${error}`));
      worker.once("exit", (code) => died(true, `its thread exited with code ${code}`));
    });
    death.catch(() => undefined);
    return { worker, port: port1, api: wrap<CpuThread>(port1 as never), death };
  }

  get size(): number {
    return this.members.length;
  }

  /** One task does something. @throws ThreadDied */
  async ask<T>(task: number, call: (api: Remote<CpuThread>) => Promise<T>): Promise<T> {
    const { api, death } = this.members[task] as Member;
    return Promise.race([call(api), death]);
  }

  /** All tasks do something at once; a task that died answers with its death. */
  async askAll<T>(
    call: (api: Remote<CpuThread>, task: number) => Promise<T>,
  ): Promise<(T | ThreadDied)[]> {
    const asked = this.members.map(({ api, death }, task) =>
      Promise.race([call(api, task), death]).catch((error) => {
        if (error instanceof ThreadDied) return error;
        throw error;
      }),
    );
    return Promise.all(asked);
  }

  /** Ends one thread by force, in mid-operation. */
  async kill(task: number): Promise<void> {
    await this.members[task]?.worker.terminate();
  }

  async close(): Promise<void> {
    this.closing = true;
    for (const { port } of this.members) port.close();
    await Promise.all(this.members.map(({ worker }) => worker.terminate()));
  }
}
