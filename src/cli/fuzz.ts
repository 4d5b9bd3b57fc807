// SPDX-License-Identifier: GPL-2.0-only
/** `slablab fuzz`: searches over small programs, on all cores, for one that fails. */
import { availableParallelism } from "node:os";
import { Command, Option } from "commander";
import { Explorers } from "../../workers/explorers.ts";
import { DEFAULT_KERNEL } from "../caches/kernel-version.ts";
import type { MemoryModel } from "../explore/store-buffers.ts";
import type { FuzzFailure, FuzzResult } from "../laboratory/fuzz/fuzz.ts";
import { printScenario } from "../laboratory/print.ts";
import type { FuzzPlan } from "../museum/jobs.ts";
import { groundOf } from "../museum/subject.ts";
import { fuzzProgress, fuzzReport, sumOf } from "../report/fuzz.ts";
import {
  anySeed,
  complain,
  EXIT,
  interruptible,
  ProgressLine,
  seconds,
  wholeNumber,
} from "./common.ts";
import { jsonDocument } from "./document.ts";
import { writeWhole } from "./files.ts";
import { type KernelOptions, withOptionalKernelOptions } from "./kernel-options.ts";
import { blameUser, memoryModelOption, refuseRacesOf } from "./subject.ts";

const EXAMPLES = `
A program has two or three contexts, each with a few operations: every other one is a cell of the
matrix of pairs of operations, the rest are random, or changes of programs that met something new.
Each is explored with at most one preemption, those that meet something new deeper. A failure is
printed as a scenario file that \`explore\` and \`replay\` take.

Examples:
  slablab fuzz
  slablab fuzz --mutation my-mutation.ts --seconds 120
  slablab fuzz --allocator slab --kernel 6.1 --programs 1000 --seed 7
  slablab fuzz --races --out found.txt`;

const SECONDS = 60;

interface Given extends Partial<KernelOptions> {
  mutation?: string;
  era: "fixed" | "seed";
  programs?: number;
  seconds?: number;
  preemptions: number;
  memory?: MemoryModel;
  seed?: number;
  races?: true;
  out?: string;
  json?: true;
  quiet?: true;
}

/** The command, ready to be added to the program. */
export function fuzzCommand(): Command {
  const command = withOptionalKernelOptions(
    new Command("fuzz").description("search small generated programs for one that fails"),
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
    .option("--out <file>", "where to save the failing program (default: fuzz-SEED-NUMBER.txt)")
    .option("--json", "print one JSON document")
    .option("--quiet", "no progress line")
    .addHelpText("after", EXAMPLES);
  return command.action(async (given: Given) => {
    try {
      refuseRacesOf(given);
      await run({ ...given, seed: given.seed ?? anySeed() });
    } catch (error) {
      blameUser(command, error);
      throw error;
    }
  });
}

async function planOf(given: Given & { seed: number }): Promise<FuzzPlan> {
  const { mutation, era, seed, preemptions, programs, races, memory = "sc" } = given;
  const { allocator, kernel } = await groundOf(given);
  const time = given.seconds ?? (programs === undefined ? SECONDS : Number.POSITIVE_INFINITY);
  return {
    allocator,
    kernel,
    mutation,
    era,
    seed,
    preemptions,
    programs: programs ?? Number.POSITIVE_INFINITY,
    seconds: time,
    dataRaces: races === true,
    memory,
  };
}

async function run(given: Given & { seed: number }): Promise<void> {
  const plan = await planOf(given);
  const line = new ProgressLine(given.quiet === true);
  const explorers = new Explorers(availableParallelism());
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
    const { interrupted, answers } = result;
    const failure = answers.find((answer) => answer?.failure !== undefined)?.failure;
    show(given, answers, { interrupted, failure });
    process.exitCode = interrupted ? interruptedCode : failure ? EXIT.FOUND : EXIT.FINE;
  } finally {
    line.clear();
    await explorers.close();
  }
}

interface Ended {
  readonly interrupted: boolean;
  readonly failure: FuzzFailure | undefined;
}

function show(
  given: Given & { seed: number },
  answers: readonly (FuzzResult | undefined)[],
  { interrupted, failure }: Ended,
): void {
  const sum = sumOf(answers);
  const file = failure && save(failure, given);
  if (given.json !== true) {
    const { mutation, era, memory } = given;
    const options = { mutation, era, memory, races: given.races === true };
    process.stdout.write(
      `${fuzzReport(sum, failure && { ...failure, file }, options)}seed ${given.seed}\n`,
    );
    return;
  }
  const { json: _json, quiet: _quiet, ...options } = given;
  const found = failure?.result.failure;
  process.stdout.write(
    jsonDocument("fuzz", options, {
      interrupted,
      ...sum,
      failure:
        failure === undefined
          ? null
          : {
              program: failure.program,
              scenario: printScenario(failure.scenario),
              file: file ?? null,
              class: found?.class ?? null,
              message: found?.message ?? null,
              token: found?.token ?? null,
              preemptions: found?.preemptions ?? null,
            },
    }),
  );
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
