/** A machine that does not start as many threads as a run wants. */
import { syncBuiltinESMExports } from "node:module";
import threads from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { stress } from "../../stress/run.ts";
import { ThreadRefused } from "../../stress/thread-refused.ts";
import { options } from "./options.ts";

const { Worker } = threads;
const MOST = 2;
const count = { started: 0, ended: 0 };

class LimitedWorker extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    if (count.started === MOST) {
      throw Object.assign(new Error("EAGAIN"), { code: "ERR_WORKER_INIT_FAILED" });
    }
    super(...args);
    count.started++;
    this.once("exit", () => count.ended++);
  }
}

function installWorker(worker: typeof Worker): void {
  threads.Worker = worker;
  syncBuiltinESMExports();
}

afterEach(() => installWorker(Worker));

test("a run that cannot start its threads says how many it could, and closes those", async () => {
  installWorker(LimitedWorker);
  const run = stress(options({ cpus: 4 }));
  await expect(run).rejects.toThrow(ThreadRefused);
  await expect(run).rejects.toThrow("this machine let us start 2 of 4 threads");
  expect(count).toEqual({ started: MOST, ended: MOST });
});
