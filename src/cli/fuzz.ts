// SPDX-License-Identifier: GPL-2.0-only
/** `slablab fuzz`: searches over small programs, on all cores, for one that fails. */
import { Command, Option } from "commander";
import { DEFAULT_KERNEL } from "../caches/kernel-version.ts";
import type { MemoryModel } from "../explore/store-buffers.ts";
import type { FuzzFailure, FuzzResult } from "../laboratory/fuzz/fuzz.ts";
import { printScenario } from "../laboratory/print.ts";
import { counted, type FuzzPlan, type Slice } from "../museum/plan.ts";
import { groundOf } from "../museum/subject.ts";
import { fuzzProgress, fuzzReport, replayCommand, sumOf } from "../report/fuzz.ts";
import { answerOf, seedLine } from "./answer.ts";
import { junitOption, refuseUnwritable, tellResults } from "./check-results.ts";
import {
  anySeed,
  badUsage,
  complain,
  EXIT,
  interruptible,
  ProgressLine,
  seconds,
  wholeNumber,
} from "./common.ts";
import { jsonDocument } from "./document.ts";
import { writeWhole } from "./files.ts";
import { fuzzModule } from "./fuzz-module.ts";
import { type KernelOptions, withOptionalKernelOptions } from "./kernel-options.ts";
import { explorersOf, queueOption, refuseUnqueueable } from "./queue.ts";
import { refuseUnshardable, runShard, shardOption } from "./shard.ts";
import { blameUser, memoryModelOption, refuseRacesOf } from "./subject.ts";

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

const SECONDS = 60;

export interface Given extends Partial<KernelOptions> {
  mutation?: string;
  era: "fixed" | "seed";
  programs?: number;
  seconds?: number;
  preemptions: number;
  memory?: MemoryModel;
  seed?: number;
  races?: true;
  out?: string;
  junit?: string;
  shard?: Slice;
  queue?: string;
  json?: true;
  quiet?: true;
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
    try {
      refuseUnwritable(command, given);
      if (module !== undefined) {
        refuseForModule(command, given);
      } else refuseRacesOf(given);
      const { shard, seed = anySeed() } = given;
      if (shard !== undefined) refuseUnshardable(command, { ...given }, "programs");
      refuseUnqueueable(command, { ...given }, "programs");
      if (module !== undefined) {
        await fuzzModule(module, { ...given, seed }, SECONDS);
        return;
      }
      const plan = await planOf({ ...given, seed });
      const planned = { command: "fuzz", options: optionsOf({ ...given, seed }), plan } as const;
      if (shard === undefined) await run({ ...given, seed }, plan);
      else await runShard(planned, given, shard);
    } catch (error) {
      blameUser(command, error);
      throw error;
    }
  });
}

/** What only the allocators have. */
function refuseForModule(command: Command, given: Given): void {
  const names = ["allocator", "kernel", "mutation", "races"] as const;
  const name = given.era === "fixed" ? names.find((one) => given[one] !== undefined) : "era";
  if (name !== undefined) badUsage(command, `--${name} is for the allocators, not for a module`);
}

async function planOf(given: Given & { seed: number }): Promise<FuzzPlan> {
  const { mutation, era, seed, preemptions, programs, races, memory = "sc" } = given;
  const { allocator, kernel } = await groundOf(given);
  return {
    kind: "fuzz",
    allocator,
    kernel,
    mutation,
    era,
    seed,
    preemptions,
    programs,
    seconds: given.seconds ?? (programs === undefined ? SECONDS : undefined),
    dataRaces: races === true,
    memory,
  };
}

async function run(given: Given & { seed: number }, plan: FuzzPlan): Promise<void> {
  const line = new ProgressLine(given.quiet === true);
  const explorers = await explorersOf(given);
  const soFar = new Map<number, FuzzResult>();
  explorers.onFuzzProgress(({ shard, ...progress }) => {
    soFar.set(shard, { ...progress, failure: undefined });
    line.show(fuzzProgress(sumOf([...soFar.values()])));
  });
  try {
    const { result, interruptedCode } = await interruptible(async (signal) => {
      try {
        return { interrupted: false, answers: await explorers.fuzz(plan, signal) };
      } catch (error) {
        if (signal.aborted) return { interrupted: true, answers: [...soFar.values()] };
        throw error;
      }
    });
    line.clear();
    showFuzzed(plan, given, result);
    if (result.interrupted) process.exitCode = interruptedCode;
  } finally {
    line.clear();
    await explorers.close();
  }
}

export interface Fuzzed {
  readonly interrupted: boolean;
  /** Of the jobs of the plan, as far as they have any. */
  readonly answers: readonly (FuzzResult | undefined)[];
}

export function showFuzzed(
  plan: FuzzPlan,
  given: Given & { seed: number },
  { interrupted, answers }: Fuzzed,
): void {
  const those = counted(answers);
  const sum = sumOf(those);
  const failure = those.at(-1)?.failure;
  const digest = interrupted ? null : answerOf(plan, those);
  const file = failure && save(failure, given);
  process.exitCode = failure ? EXIT.FOUND : EXIT.FINE;
  const { mutation, era, memory } = given;
  const options = { mutation, era, memory, races: given.races === true };
  if (given.json !== true) {
    const report = fuzzReport(sum, failure && { ...failure, file }, options);
    process.stdout.write(`${report}${seedLine(given.seed, digest)}`);
  } else {
    const failed = failure === undefined ? null : failureJson(failure, file);
    const result = { interrupted, ...sum, failure: failed, answer: digest };
    process.stdout.write(jsonDocument("fuzz", optionsOf(given), result));
  }
  const found = failure?.result.failure;
  const again = failure && replayCommand({ ...failure, file }, options);
  tellResults("fuzz", given, [
    {
      name: `${plan.allocator} of ${plan.kernel}`,
      seconds: sum.cpuSeconds,
      failure: found && { class: found.class, message: found.message, again: again ?? "" },
      unproven: interrupted && found === undefined ? "interrupted" : undefined,
    },
  ]);
}

function optionsOf(given: Given): Record<string, unknown> {
  const { json: _json, quiet: _quiet, shard: _shard, queue: _queue, ...rest } = given;
  const { junit: _junit, ...options } = rest;
  return options;
}

function failureJson({ program, scenario, result }: FuzzFailure, file: string | undefined) {
  const { failure } = result;
  return {
    program,
    scenario: printScenario(scenario),
    file: file ?? null,
    class: failure?.class ?? null,
    message: failure?.message ?? null,
    token: failure?.token ?? null,
    preemptions: failure?.preemptions ?? null,
  };
}

/** Writes the program; undefined where it cannot be written, which is said. */
function save({ scenario, program }: FuzzFailure, { out, seed }: Given): string | undefined {
  const file = out ?? `fuzz-${seed}-${program}.txt`;
  try {
    writeWhole(file, printScenario(scenario));
    return file;
  } catch (error) {
    complain(`the program is not saved: ${(error as Error).message}`);
    return undefined;
  }
}
