// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab fuzz`. */
import { Command, Option } from "commander";
import { DEFAULT_KERNEL } from "../../caches/kernel-version.ts";
import type { MemoryModel } from "../../explore/store-buffers.ts";
import { junitOption } from "../check-results.ts";
import { seconds, wholeNumber } from "../common.ts";
import { type JobOptions, queueOption, shardOption } from "./jobs.ts";
import { type KernelOptions, withOptionalKernelOptions } from "./kernel.ts";
import { memoryModelOption } from "./subject.ts";

const EXAMPLES = `
A program has two or three contexts, each with a few operations: every other one is a cell of the
matrix of pairs of operations, the rest are random, or changes of programs that met something new.
Each is explored with at most one preemption, those that meet something new deeper. A failure is
printed as a scenario file that \`explore\` and \`replay\` take.

Of a module, programs with object, tasks of calls, and spec are fuzzed: each task makes some of its own
calls in any order; calls without arguments may be repeated. A failure is printed as a module.

Examples:
  slablab fuzz
  slablab fuzz --mutation my-mutation.ts --seconds 120
  slablab fuzz --allocator slab --kernel 6.1 --programs 1000 --seed 7
  slablab fuzz --races --out found.txt
  slablab fuzz ./queue.explore.ts --programs 500 --seed 7
  slablab fuzz ./queue.explore.ts --programs 5000 --seed 7 --queue redis://10.0.0.7
  slablab fuzz --programs 100000 --seed 7 --shard 3/64 --json > 3.json`;

export interface Given extends Partial<KernelOptions>, JobOptions {
  mutation?: string;
  era: "fixed" | "seed";
  programs?: number;
  seconds?: number;
  preemptions: number;
  memory?: MemoryModel;
  seed?: number;
  races?: true;
  out?: string;
}

/** The command, ready to be added to the program. */
export function fuzzCommand(): Command {
  const command = withOptionalKernelOptions(
    new Command("fuzz").argument(
      "[module]",
      "your own program (FILE.ts) instead of the allocators; see below",
    ),
    {
      allocator: "slab allocator (default: slub, or the one that the mutation changes)",
      kernel: `kernel version (default: ${DEFAULT_KERNEL}, or the first that the mutation changes)`,
    },
  )
    .option(
      "--mutation <id|file>",
      "allocator with one fix taken out: an id, or a file that exports one",
    )
    .addOption(
      new Option("--era <era>", "fixes that the allocator has")
        .choices(["fixed", "seed"])
        .default("fixed"),
    )
    .option(
      "--programs <n>",
      "limit of programs; the same seed then gives the same answer",
      wholeNumber,
    )
    .option(
      "--seconds <n>",
      "CPU time on each core, in seconds (default: 60; none with --programs)",
      seconds,
    )
    .option("--preemptions <n>", "largest preemption bound of a program", wholeNumber, 2)
    .option("--seed <n>", "random seed (default: any)", wholeNumber)
    .addOption(memoryModelOption())
    .option("--races", "also look for data races")
    .option(
      "--out <file>",
      "where to save the failing program (default: fuzz-SEED-NUMBER, .txt or .explore.ts)",
    )
    .addOption(junitOption())
    .addOption(shardOption())
    .addOption(queueOption())
    .option("--json", "print one JSON document")
    .option("--quiet", "no progress line")
    .addHelpText("after", EXAMPLES);
  return command.action(async (module: string | undefined, given: Given) => {
    await (await import("../fuzz.ts")).runFuzz(command, module, given);
  });
}
