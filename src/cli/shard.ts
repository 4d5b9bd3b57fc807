// SPDX-License-Identifier: GPL-2.0-only
/**
 * `--shard I/N` of the commands that search: every Nth job of the plan, from job I on, as a document
 * that `slablab merge` reads. Nothing but that document connects the machines.
 */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { Explorers } from "../../workers/explorers.ts";
import { sourceHash } from "../../workers/source-hash.ts";
import type { NumberedAnswer, Plan, Slice } from "../museum/plan.ts";
import { badUsage, interruptible, ProgressLine } from "./common.ts";
import { jsonDocument } from "./document.ts";

/** One command's search as `merge` needs it to show the answer as the command would. */
export interface Planned {
  readonly command: "explore" | "fuzz" | "museum";
  readonly options: Readonly<Record<string, unknown>>;
  readonly plan: Plan;
}

/** The document of one shard, without what all documents have. */
export interface ShardDocument extends Planned {
  readonly source: string;
  readonly shard: Slice;
  readonly answers: readonly NumberedAnswer[];
}

interface Given {
  readonly shard?: Slice | undefined;
  readonly json?: true;
  readonly quiet?: true;
}

/**
 * Refuses what would make shards of different searches. `limit`: the option that limits the search by
 * a number; time would end it elsewhere on each machine.
 */
export function refuseUnshardable(
  command: Command,
  given: Readonly<Record<string, unknown>>,
  limit: "schedules" | "programs",
): void {
  if (given.json === undefined) badUsage(command, "--shard needs --json, for slablab merge");
  for (const needed of ["seed", limit]) {
    if (given[needed] !== undefined) continue;
    badUsage(command, `--shard needs --${needed}: all shards are parts of one search`);
  }
  for (const other of ["seconds", "out", "junit", "html"]) {
    if (given[other] === undefined) continue;
    const why = other === "seconds" ? `the search ends by --${limit}` : "give it to slablab merge";
    badUsage(command, `--${other} does not go with --shard: ${why}`);
  }
}

/** Runs the shard and prints its document. What it finds, `merge` says: the exit code is 0. */
export async function runShard(planned: Planned, given: Given, shard: Slice): Promise<void> {
  const line = new ProgressLine(given.quiet === true);
  const explorers = new Explorers(availableParallelism());
  explorers.onProgress(({ schedules }) => line.show(`${schedules} schedules of the last job`));
  try {
    const { result: answers, interruptedCode } = await interruptible(async (signal) => {
      try {
        return await explorers.slice(planned.plan, shard, signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      }
    });
    line.clear();
    if (answers === undefined) process.exitCode = interruptedCode;
    else process.stdout.write(shardDocument(planned, shard, answers));
  } finally {
    line.clear();
    await explorers.close();
  }
}

function shardDocument(
  { command, options, plan }: Planned,
  shard: Slice,
  answers: readonly NumberedAnswer[],
): string {
  return jsonDocument("shard", options, { command, source: sourceHash(), shard, plan, answers });
}
