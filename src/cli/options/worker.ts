// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab worker`. */
import { availableParallelism } from "node:os";
import { Command } from "commander";
import { seconds, wholeNumber } from "../common.ts";
import { queueAddress } from "./jobs.ts";

const SILENT_SECONDS = 15;

const EXAMPLES = `
Any number of workers, on any machines, serve the searches that are given the same address; they must
be of the same version of slablab. A worker runs until it is ended; what it has not finished goes to
others.

Examples:
  slablab worker --queue redis://10.0.0.7
  slablab worker --queue rediss://:secret@cache.example.org:6380 --threads 16
  slablab explore two-cpus --schedules 10000000 --seed 7 --queue redis://10.0.0.7`;

export interface Given {
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
    await (await import("../worker.ts")).runWorker(command, given);
  });
}
