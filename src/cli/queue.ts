// SPDX-License-Identifier: GPL-2.0-only
/** `--queue URL` of the commands that search: their jobs run wherever `slablab worker` does. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { Explorers } from "../../workers/explorers.ts";
import { QueueRunner } from "../../workers/queue/queue-runner.ts";
import { sourceHash } from "../../workers/source-hash.ts";
import { badUsage, complain } from "./common.ts";

/** `limit`: the option that limits the search by a number; time would end it anywhere. */
export function refuseUnqueueable(
  command: Command,
  given: Readonly<Record<string, unknown>>,
  limit: "schedules" | "programs",
): void {
  if (given.queue === undefined) return;
  if (given.shard !== undefined) badUsage(command, "--queue and --shard exclude each other");
  if (given[limit] === undefined || given.seconds !== undefined) {
    badUsage(
      command,
      `--queue needs --${limit} and no --seconds: only then is the answer the same`,
    );
  }
}

/** In threads of this process, or on a queue. @throws BadQueue */
export async function explorersOf({ queue: url }: { queue?: string }): Promise<Explorers> {
  const threads = availableParallelism();
  if (url === undefined) return new Explorers(threads);
  const runner = await QueueRunner.open({ url, source: sourceHash(), note: complain });
  return new Explorers(threads, runner);
}
