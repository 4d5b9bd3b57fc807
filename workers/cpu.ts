// SPDX-License-Identifier: GPL-2.0-only
/** A thread that runs as CPUs of a stress run: boot, run, finish, and nothing per operation. */
import { workerData } from "node:worker_threads";
import { expose } from "comlink";
import { loadBuild } from "../stress/build.ts";
import { endpointOf } from "../stress/endpoint.ts";
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
    task = new StressTask(shared, plan, await loadBuild(plan.build));
  },
  run: (round, operations) => booted().run(round, operations),
  finish: () => booted().finish(),
};

expose(thread, endpointOf(port));
