/** A machine that does not start as many threads as a run wants. */
import { expect, test, vi } from "vitest";
import { stress } from "../../stress/run.ts";
import { ThreadRefused } from "../../stress/worker-thread.ts";
import { options } from "./options.ts";

const limit = vi.hoisted(() => ({ started: 0, ended: 0, most: 2 }));

vi.mock("node:worker_threads", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:worker_threads")>();
  class LimitedWorker extends original.Worker {
    constructor(...args: ConstructorParameters<typeof original.Worker>) {
      if (limit.started === limit.most) {
        throw Object.assign(new Error("EAGAIN"), { code: "ERR_WORKER_INIT_FAILED" });
      }
      super(...args);
      limit.started++;
      this.once("exit", () => limit.ended++);
    }
  }
  return { ...original, Worker: LimitedWorker };
});

test("is told so in one line, and those threads are closed that were started", async () => {
  const run = stress(options({ cpus: 4 }));
  await expect(run).rejects.toThrow(ThreadRefused);
  await expect(run).rejects.toThrow("this machine let us start 2 of 4 threads");
  expect(limit).toMatchObject({ started: 2, ended: 2 });
});
