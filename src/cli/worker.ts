// SPDX-License-Identifier: GPL-2.0-only
/** `slablab worker`: runs jobs of `explore`, `fuzz` and `museum run` that were given a queue. */
import { availableParallelism } from "node:os";
import { Command } from "commander";
import { BadQueue, shown } from "../../workers/queue/connection.ts";
import { queueName } from "../../workers/queue/protocol.ts";
import { QueueWorker, type Served } from "../../workers/queue/queue-worker.ts";
import { sourceHash } from "../../workers/source-hash.ts";
import { badUsage, complain, interruptible, ProgressLine, seconds, wholeNumber } from "./common.ts";
import { queueAddress } from "./queue.ts";

const SILENT_SECONDS = 15;

const EXAMPLES = `
Any number of workers, on any machines, serve the searches that are given the same address; they must
be of the same version of slablab. A worker runs until it is ended; what it has not finished goes to
others.

Examples:
  slablab worker --queue redis://10.0.0.7
  slablab worker --queue rediss://:secret@cache.example.org:6380 --threads 16
  slablab explore two-cpus --schedules 10000000 --seed 7 --queue redis://10.0.0.7`;

interface Given {
  queue: string;
  threads: number;
  silent: number;
  quiet?: true;
}

/** The command, ready to be added to the program. */
export function workerCommand(): Command {
  const command = new Command("worker")
    .requiredOption("--queue <url>", "Redis or Valkey: redis://host[:port]", queueAddress)
    .option("--threads <n>", "jobs at a time", wholeNumber, availableParallelism())
    .option(
      "--silent <seconds>",
      "time after which a worker that says nothing has died, and its jobs go to others",
      seconds,
      SILENT_SECONDS,
    )
    .option("--quiet", "no progress line")
    .addHelpText("after", EXAMPLES);
  return command.action(async (given: Given) => {
    if (given.threads < 1) badUsage(command, "--threads must be 1 or more");
    try {
      await serve(given);
    } catch (error) {
      if (error instanceof BadQueue) badUsage(command, error.message);
      throw error;
    }
  });
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
