// SPDX-License-Identifier: GPL-2.0-only
/** `slablab fuzz`: searches over small programs, on all cores, for one that fails. */
import type { Command } from "commander";
import type { FuzzFailure, FuzzResult } from "../laboratory/fuzz/fuzz.ts";
import { printScenario } from "../laboratory/print.ts";
import { counted, type FuzzPlan } from "../museum/plan.ts";
import { groundOf } from "../museum/subject.ts";
import { fuzzProgress, fuzzReport, replayCommand, sumOf } from "../report/fuzz.ts";
import { answerOf, seedLine } from "./answer.ts";
import { refuseUnwritable, tellResults } from "./check-results.ts";
import { anySeed, badUsage, complain, EXIT, interruptible, ProgressLine } from "./common.ts";
import { jsonDocument } from "./document.ts";
import { writeWhole } from "./files.ts";
import { fuzzModule } from "./fuzz-module.ts";
import type { Given } from "./options/fuzz.ts";
import { explorersOf, refuseUnqueueable } from "./queue.ts";
import { refuseUnshardable, runShard } from "./shard.ts";
import { blameUser, refuseRacesOf } from "./subject.ts";

const SECONDS = 60;

/** As the options say. */
export async function runFuzz(
  command: Command,
  module: string | undefined,
  given: Given,
): Promise<void> {
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
