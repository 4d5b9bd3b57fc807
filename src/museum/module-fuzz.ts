// SPDX-License-Identifier: GPL-2.0-only
/** A search over programs that are made of the calls of a user's module; one shard of it. */
import { quoted } from "../machine/quoted.ts";
import { type CallsFuzz, type FuzzedProgram, fuzzProgram } from "./program-fuzz.ts";
import { BadModule, type FuzzableProgram, programsOf } from "./program-module.ts";

/** The search, for all its shards. */
export interface CallsLimits extends CallsFuzz {
  readonly path: string;
  /** Programs of all shards, and CPU seconds of each; the first to run out ends the search. */
  readonly programs?: number | undefined;
  readonly seconds?: number | undefined;
}

/** One that fails, and where it comes from. */
export interface FailingProgram extends FuzzedProgram {
  readonly exported: string;
  readonly number: number;
}

export interface CallsProgress {
  readonly programs: number;
  readonly schedules: number;
  /** Programs that were explored completely to the bound. */
  readonly complete: number;
  readonly cpuSeconds: number;
}

export interface CallsResult extends CallsProgress {
  readonly failure: FailingProgram | undefined;
}

/** @throws BadModule if no export has calls and a sequential object to judge them by. */
export async function fuzzableOf(path: string): Promise<FuzzableProgram[]> {
  const fuzzable = (await programsOf(path)).filter((one) => one.calls !== undefined);
  if (fuzzable.length > 0) return fuzzable as FuzzableProgram[];
  throw new BadModule(
    `${quoted(path)} exports nothing to fuzz: a program with object, tasks of calls, and spec`,
  );
}

/** Runs the programs whose number has the remainder `shard`, up to the first that fails. */
export async function fuzzCalls(
  limits: CallsLimits,
  { shard, shards }: { readonly shard: number; readonly shards: number },
  tell: (progress: CallsProgress) => void,
): Promise<CallsResult> {
  const { path, preemptions } = limits;
  const { programs = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = limits;
  const fuzzable = await fuzzableOf(path);
  const sum = { programs: 0, schedules: 0, complete: 0, cpuSeconds: 0 };
  for (let number = shard; number < programs && sum.cpuSeconds < seconds; number += shards) {
    const { exported, calls } = fuzzable[number % fuzzable.length] as FuzzableProgram;
    const program = fuzzProgram(calls, number, limits);
    const { failure, schedules, complete, cpuSeconds } = program.result;
    sum.programs++;
    sum.schedules += schedules;
    sum.cpuSeconds += cpuSeconds;
    if (complete?.preemptions === preemptions) sum.complete++;
    tell(sum);
    if (failure !== undefined) return { ...sum, failure: { ...program, exported, number } };
  }
  return { ...sum, failure: undefined };
}
