// SPDX-License-Identifier: GPL-2.0-only
/** A thread that runs as CPUs of a stress run: boot, run, finish, and nothing per operation. */
import { workerData } from "node:worker_threads";
import { expose } from "comlink";
import { loadMutation } from "../src/museum/mutations.ts";
import type { CpuThread, ThreadStart } from "../stress/protocol.ts";
import { StressTask } from "../stress/task.ts";

const { port, shared } = workerData as ThreadStart;
let task: StressTask | undefined;

function booted(): StressTask {
  if (task === undefined) throw new Error("this thread was asked to run before it was booted");
  return task;
}

const thread: CpuThread = {
  async boot(plan) {
    const { mutation } = plan.build;
    if (mutation !== undefined) await loadMutation(mutation);
    task = new StressTask(shared, plan);
  },
  run: (round, operations) => booted().run(round, operations),
  finish: () => booted().finish(),
};

expose(thread, port);
