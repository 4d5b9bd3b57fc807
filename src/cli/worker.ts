// SPDX-License-Identifier: GPL-2.0-only
/** `slablab worker`: runs jobs of `explore`, `fuzz` and `museum run` that were given a queue. */
import type { Command } from "commander";
import { BadQueue, shown } from "../../workers/queue/connection.ts";
import { queueName } from "../../workers/queue/protocol.ts";
import { QueueWorker, type Served } from "../../workers/queue/queue-worker.ts";
import { sourceHash } from "../../workers/source-hash.ts";
import { badUsage, complain, interruptible, ProgressLine } from "./common.ts";
import type { Given } from "./options/worker.ts";

/** As the options say. */
export async function runWorker(command: Command, given: Given): Promise<void> {
  if (given.threads < 1) badUsage(command, "--threads must be 1 or more");
  try {
    await serve(given);
  } catch (error) {
    if (error instanceof BadQueue) badUsage(command, error.message);
    throw error;
  }
}

async function serve({ queue: url, threads, silent, quiet }: Given): Promise<void> {
  const source = sourceHash();
  const worker = await QueueWorker.open({ url, source, threads, silentSeconds: silent });
  const line = new ProgressLine(quiet === true);
  worker.onServed((served) => line.show(servedText(served)));
  const at = `${threads} ${threads === 1 ? "thread" : "threads"}, source ${queueName(source)}`;
  complain(`waits for jobs at ${shown(url)}: ${at}`);
  const { interruptedCode } = await interruptible(
    (signal) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
  );
  line.clear();
  process.stdout.write(`${servedText(worker.served)}\n`);
  await worker.close();
  process.exitCode = interruptedCode;
}

function servedText({ done, running }: Served): string {
  return `${done} jobs done, ${running} running`;
}
