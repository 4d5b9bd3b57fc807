// SPDX-License-Identifier: GPL-2.0-only
/** The jobs of the explorer's workers: jobs and answers are plain data. */
import type { Progress } from "../explore/budget.ts";
import { type ExploreResult, explore, type SearchOptions } from "../explore/explore.ts";
import { exhibit } from "./bugs/index.ts";
import { type Proof, prove } from "./prove.ts";
import { type Subject, scenarioOfSubject } from "./subject.ts";

export interface SearchJob {
  readonly kind: "search";
  readonly subject: Subject;
  readonly search: Omit<SearchOptions, "progress">;
  readonly dataRaces: boolean;
  /** Shards are numbered; the lowest that finds something wins. */
  readonly shard: number;
}

export interface ProofJob {
  readonly kind: "proof";
  readonly id: string;
  readonly shareSeconds: number;
}

/** Sent while a search runs. */
export interface ShardProgress extends Progress {
  readonly shard: number;
}

export async function runSearch(
  { subject, search, dataRaces, shard }: SearchJob,
  tell: (progress: ShardProgress) => void,
): Promise<ExploreResult> {
  const scenario = await scenarioOfSubject(subject);
  const progress = (at: Progress): undefined => tell({ ...at, shard }) as undefined;
  return explore({ ...scenario, search: { ...search, progress }, dataRaces });
}

export function runProof({ id, shareSeconds }: ProofJob): Proof {
  const found = exhibit(id);
  if (found === undefined) throw new RangeError(`there is no exhibit ${id}`);
  return prove(found, shareSeconds);
}
