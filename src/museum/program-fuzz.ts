// SPDX-License-Identifier: GPL-2.0-only
/**
 * Programs made of the calls of a user's program: each task makes some of its own calls in any order.
 * A call with arguments occurs no more often than in the program, since it may hand over what can be
 * handed over once; a call without any may be repeated. The sequential object of the program judges
 * them all.
 */
import type { ExploreResult } from "../explore/explore.ts";
import { explore } from "../explore/javascript/explore.ts";
import type { MethodCall, WordsProgram } from "../explore/javascript/program.ts";
import { RandomStream } from "../explore/random.ts";
import type { MemoryModel } from "../explore/store-buffers.ts";

type Calls = Readonly<Record<string, readonly MethodCall[]>>;

/** A program whose tasks are calls that a sequential object explains. */
export type CallsProgram = WordsProgram & {
  readonly tasks: Calls;
  readonly spec: NonNullable<WordsProgram["spec"]>;
};

export interface CallsFuzz {
  readonly seed: number;
  readonly preemptions: number;
  readonly memory?: MemoryModel | undefined;
}

export interface FuzzedProgram {
  readonly name: string;
  readonly tasks: Calls;
  readonly result: ExploreResult;
}

/** Of a task that may repeat calls. */
const MOST_CALLS = 4;
/** Schedules of one program. */
const MOST_SCHEDULES = 3000;

export function isFuzzable(program: WordsProgram): program is CallsProgram {
  return program.object !== undefined && program.spec !== undefined;
}

/** Explores program `number` of a seed; one that fails comes back with the calls that it needs. */
export function fuzzProgram(given: CallsProgram, number: number, fuzz: CallsFuzz): FuzzedProgram {
  const random = new RandomStream();
  random.restart(fuzz.seed, number);
  const name = `fuzz-${fuzz.seed}-${number}`;
  const tasks = Object.fromEntries(
    Object.entries(given.tasks).map(([task, calls]) => [task, someOf(calls, random)]),
  );
  const tried = (those: Calls): FuzzedProgram => ({
    name,
    tasks: those,
    result: exploreCalls({ ...given, name, tasks: those }, fuzz),
  });
  return smallest(tried(tasks), tried);
}

function someOf(calls: readonly MethodCall[], random: RandomStream): MethodCall[] {
  const left = [...calls];
  const chosen: MethodCall[] = [];
  const length = 1 + random.below(MOST_CALLS);
  while (chosen.length < length && left.length > 0) {
    const at = random.below(left.length);
    const call = left[at] as MethodCall;
    chosen.push(call);
    if (call.length > 1) left.splice(at, 1);
  }
  return chosen;
}

/** What the program itself checks at its end is true of its own calls only. */
function exploreCalls({ check: _, ...program }: CallsProgram, fuzz: CallsFuzz): ExploreResult {
  const { seed, preemptions, memory } = fuzz;
  const search = { strategy: "bound", preemptions, seed, schedules: MOST_SCHEDULES } as const;
  return explore({ ...program, ...search, ...(memory === undefined ? {} : { memory }) });
}

/** Without calls that a failure does not need, one after the other. */
function smallest(found: FuzzedProgram, tried: (tasks: Calls) => FuzzedProgram): FuzzedProgram {
  if (found.result.failure === undefined) return found;
  for (const [task, calls] of Object.entries(found.tasks)) {
    for (const at of calls.keys()) {
      const fewer = tried({ ...found.tasks, [task]: calls.toSpliced(at, 1) });
      if (fewer.result.failure?.class === found.result.failure.class) return smallest(fewer, tried);
    }
  }
  return found;
}
