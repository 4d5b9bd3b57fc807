// SPDX-License-Identifier: GPL-2.0-only
/** A thread of a measurement: ready, measure, and nothing per operation. */
import { workerData } from "node:worker_threads";
import { expose } from "comlink";
import { raiseInliningBudget } from "../src/machine/inlining.ts";
import { endpointOf } from "../stress/endpoint.ts";
import type { ScaleStart, ScaleThread } from "../stress/scaling/protocol.ts";
import { ScaleTask } from "../stress/scaling/thread.ts";

const start = workerData as ScaleStart;
if (start.raised) raiseInliningBudget();
let task: ScaleTask | undefined;

const thread: ScaleThread = {
  async ready() {
    task = await ScaleTask.create(start);
  },
  measure(plan) {
    if (task === undefined) throw new Error("this thread was asked to measure before it was ready");
    return task.measure(plan);
  },
};

expose(thread, endpointOf(start.port));
