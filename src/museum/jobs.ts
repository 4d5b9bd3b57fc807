// SPDX-License-Identifier: GPL-2.0-only
/** The jobs of the explorer's workers: jobs and answers are plain data. */

import type { AllocatorName } from "../caches/flags.ts";
import type { Era, KernelVersion } from "../caches/kernel-version.ts";
import type { Progress } from "../explore/budget.ts";
import { type ExploreResult, explore, type SearchOptions } from "../explore/explore.ts";
import type { MemoryModel } from "../explore/store-buffers.ts";
import { type FuzzProgress, type FuzzResult, fuzz } from "../laboratory/fuzz/fuzz.ts";
import { habitatsOf } from "../laboratory/fuzz/habitat.ts";
import { quoted } from "../machine/quoted.ts";
import { exhibit } from "./bugs/index.ts";
import {
  type CallsLimits,
  type CallsProgress,
  type CallsResult,
  fuzzCalls,
} from "./module-fuzz.ts";
import { BadModule, programsOf } from "./program-module.ts";
import { type Proof, prove } from "./prove.ts";
import { changeOf, type Subject, scenarioOfSubject } from "./subject.ts";

export interface SearchJob {
  readonly kind: "search";
  readonly subject: Subject;
  readonly search: Omit<SearchOptions, "progress">;
  readonly dataRaces: boolean;
  /** Shards are numbered; the lowest that finds something wins. */
  readonly shard: number;
}

export interface FuzzJob {
  readonly kind: "fuzz";
  readonly limits: FuzzLimits;
  readonly shard: number;
  readonly shards: number;
}

/** A search over programs, for all its shards. */
export interface FuzzLimits {
  readonly allocator: AllocatorName;
  readonly kernel: KernelVersion;
  readonly mutation?: string | undefined;
  readonly era: Era;
  readonly seed: number;
  /** Programs of all shards, and CPU seconds of each; the first to run out ends the search. */
  readonly programs?: number | undefined;
  readonly seconds?: number | undefined;
  readonly preemptions: number;
  readonly dataRaces: boolean;
  readonly memory: MemoryModel;
}

/** One of the programs that a module exports. */
export interface ProgramJob {
  readonly kind: "program";
  readonly path: string;
  readonly program: string;
  readonly search: Omit<SearchOptions, "progress">;
}

/** Programs made of the calls of a module. */
export interface CallsJob {
  readonly kind: "calls";
  readonly limits: CallsLimits;
  readonly shard: number;
  readonly shards: number;
}

export interface ProofJob {
  readonly kind: "proof";
  readonly id: string;
  readonly shareSeconds: number;
}

export type Job = SearchJob | FuzzJob | ProgramJob | CallsJob | ProofJob;
/** The module, or the mutation by its id, that a job loads by name. */
export function loadedBy(job: Job): string | undefined {
  switch (job.kind) {
    case "search":
      return job.subject.mutation;
    case "fuzz":
      return job.limits.mutation;
    case "program":
      return job.path;
    case "calls":
      return job.limits.path;
    default:
      return undefined;
  }
}

export type JobAnswer = ExploreResult | FuzzResult | CallsResult | Proof;

/** Sent while a search runs. */
export interface ShardProgress extends Progress {
  readonly shard: number;
}

export interface FuzzShardProgress extends FuzzProgress {
  readonly shard: number;
}

export interface CallsShardProgress extends CallsProgress {
  readonly shard: number;
}

type TellFuzz = (progress: FuzzShardProgress) => void;

export async function runSearch(
  { subject, search, dataRaces, shard }: SearchJob,
  tell: (progress: ShardProgress) => void,
): Promise<ExploreResult> {
  const scenario = await scenarioOfSubject(subject);
  const progress = (at: Progress): undefined => tell({ ...at, shard }) as undefined;
  return explore({ ...scenario, search: { ...search, progress }, dataRaces });
}

export async function runFuzz(
  { limits, shard, shards }: FuzzJob,
  tell: TellFuzz,
): Promise<FuzzResult> {
  const { allocator, kernel, mutation, era, ...rest } = limits;
  const { programs = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = rest;
  const change = await changeOf({ mutation, era, kernel });
  const progress = (at: FuzzProgress): void => tell({ ...at, shard });
  const habitats = habitatsOf(allocator, kernel);
  return fuzz({ ...rest, programs, seconds, habitats, change, shard, shards, progress });
}

export async function runProgram({ path, program, search }: ProgramJob): Promise<ExploreResult> {
  const found = (await programsOf(path)).find(({ name }) => name === program);
  if (found === undefined) throw new BadModule(`${quoted(path)} exports no program ${program}`);
  return found.explore(search);
}

export function runCalls(
  { limits, shard, shards }: CallsJob,
  tell: (progress: CallsShardProgress) => void,
): Promise<CallsResult> {
  return fuzzCalls(limits, { shard, shards }, (progress) => tell({ ...progress, shard }));
}

export function runProof({ id, shareSeconds }: ProofJob): Proof {
  const found = exhibit(id);
  if (found === undefined) throw new RangeError(`there is no exhibit ${id}`);
  return prove(found, shareSeconds);
}
