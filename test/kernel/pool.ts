/** A pool with users on threads of their own, for tests: some are ended by force. */
import { Worker } from "node:worker_threads";
import { ledgerBytes } from "../../src/check/ledger.ts";
import { withUnderWay } from "../../src/check/under-way.ts";
import { withLedger } from "../../src/check/with-ledger.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { boot, type Kernel, MIB, type ThreadBuild } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { bundledFile } from "../bundled.ts";
import type { UserStart } from "./workers/user.ts";

const USER = new URL("./workers/user.ts", import.meta.url);

/** With the ledger it is known what a dead task had in its hands. */
export type PoolBuild = "plain" | "ledger";

export function poolBuild(build: PoolBuild): ThreadBuild {
  return build === "ledger" ? { change: (classes) => withUnderWay(withLedger(classes)) } : {};
}

export interface Answer {
  readonly rounds: number;
  readonly error?: string;
}

export interface User {
  readonly task: number;
  /** What it saw, once it has stopped; undefined for one that was ended. */
  readonly answer: Promise<Answer | undefined>;
  kill(): Promise<unknown>;
}

export class Pool {
  readonly kernel: Kernel;
  readonly cache: Address;
  private readonly build: PoolBuild;
  private readonly stop: Address;

  constructor(options: BootOptions, build: PoolBuild = "plain") {
    const memory = 8 * MIB;
    const checker = build === "ledger" ? ledgerBytes(memory) : 0;
    this.build = build;
    this.kernel = boot({ memory, checker, ...options }, poolBuild(build));
    this.cache = this.kernel.kmemCacheCreate("users", 64);
    this.stop = this.kernel.kzalloc(64);
  }

  /** Starts a thread; it is at work when this returns, or about to be. */
  async hire(workload: string): Promise<User> {
    const { kernel, build, stop, cache } = this;
    const workerData: UserStart = { shared: kernel.shared, build, workload, stop, cache };
    const worker = new Worker(await bundledFile(USER), { workerData });
    const messages: unknown[] = [];
    const ended = new Promise<Answer | undefined>((resolve, reject) => {
      worker.once("error", reject);
      worker.once("exit", () => resolve(messages[1] as Answer | undefined));
    });
    const { task } = await new Promise<{ task: number }>((resolve, reject) => {
      worker.on("message", (message) => {
        if (messages.push(message) === 1) resolve(message as { task: number });
      });
      worker.once("error", reject);
    });
    return { task, answer: ended, kill: () => worker.terminate() };
  }

  /** All users are to stop. */
  stopAll(): void {
    Atomics.store(this.kernel.view32(this.stop), 0, 1);
  }

  /** Nothing of the test's own is left. */
  close(): void {
    this.kernel.kfree(this.stop);
  }
}
