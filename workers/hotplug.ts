// SPDX-License-Identifier: GPL-2.0-only
/** A thread that takes CPUs away during a stress run and brings them back. */
import { workerData } from "node:worker_threads";
import { expose } from "comlink";
import { loadBuild } from "../stress/build.ts";
import { endpointOf } from "../stress/endpoint.ts";
import { HotplugLoop, type HotplugThread } from "../stress/hotplug.ts";
import type { ThreadStart } from "../stress/protocol.ts";

const { port, shared } = workerData as ThreadStart;
let loop: HotplugLoop | undefined;

function booted(): HotplugLoop {
  if (loop === undefined) throw new Error("this thread was asked to run before it was booted");
  return loop;
}

const thread: HotplugThread = {
  async boot(plan) {
    loop = new HotplugLoop(shared, plan, await loadBuild(plan.build));
  },
  run: () => booted().run(),
  finish: () => booted().finish(),
};

expose(thread, endpointOf(port));
