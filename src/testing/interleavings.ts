// SPDX-License-Identifier: MIT
/** A test over all interleavings of a program: what `slablab/vitest` and `slablab/node-test` share. */
import type { SearchOptions } from "../explore/explore.ts";
import { NotExplorable } from "../explore/failure.ts";
import { explore, replay } from "../explore/javascript/explore.ts";
import type {
  BufferSpecs,
  BuffersProgram,
  Results,
  WordsProgram,
} from "../explore/javascript/program.ts";
import type { Failure } from "../explore/replay.ts";
import { failureText } from "../explore/timeline-text.ts";
import { TokenError } from "../explore/token.ts";
import { Regressions } from "./regressions.ts";
import { isOnThreads, type Mode } from "./threads/mode.ts";
import { runOnThreads } from "./threads/run.ts";

/** A program, where its tasks run, and the limits of that. */
export type Interleavings<B extends BufferSpecs = BufferSpecs> = (
  | WordsProgram
  | BuffersProgram<B>
) &
  SearchOptions &
  Mode;

/** Why a test over interleavings fails: the message is the failure, its token and its timeline. */
export class InterleavingError extends Error {
  override name = "InterleavingError";
  readonly failure: Failure | undefined;

  constructor(message: string, failure?: Failure) {
    super(message);
    this.failure = failure;
  }
}

/**
 * Replays the known failures of the program, then searches for a new one; or runs it on threads.
 * @throws InterleavingError for a failure, and for a search that its limits end before it is complete.
 */
export function checkInterleavings(given: Interleavings): void {
  if (isOnThreads(given)) {
    checkOnThreads(given);
    return;
  }
  const { mode: _mode, module: _module, ...rest } = given;
  // One of the overloads fits; which one the types of a union do not tell.
  const program = rest as WordsProgram & SearchOptions;
  const { name = "program", seed = 1 } = program;
  const regressions = new Regressions(name);
  const known = regressions.tokens.map((token) => ({ token, failure: replayed(program, token) }));
  const still = known.filter(({ failure }) => failure !== undefined);
  if (regressions.isUpdating) regressions.keep(still.map(({ token }) => token));
  const [old] = still;
  if (old?.failure !== undefined) fail(name, `a known failure is back`, old.failure);

  const { failure, complete, schedules, ordersDiffer } = explore(program);
  if (failure !== undefined) {
    const { token } = failure;
    if (regressions.isUpdating && token !== undefined) regressions.keep([token]);
    fail(name, `${schedules} schedules, seed ${seed}`, failure);
  }
  const { strategy = "bound", preemptions = 2 } = program;
  const isComplete = complete?.preemptions === preemptions;
  if (isComplete && !ordersDiffer) {
    throw new InterleavingError(
      `${name}: the tasks have no conflicting accesses, so no interleaving could have failed`,
    );
  }
  if (strategy !== "bound" || isComplete) return;
  throw new InterleavingError(
    `${name}: the search ended before it was complete: ${schedules} schedules, seed ${seed}, ` +
      `complete to ${complete === undefined ? "no bound" : `${complete.preemptions} preemptions`} ` +
      `of ${preemptions}; give it more seconds or fewer preemptions`,
  );
}

/** Runs the program on real threads. @throws InterleavingError for a run that fails. */
export function checkOnThreads(given: Interleavings, each = (_: Results) => {}): void {
  try {
    runOnThreads(given, each);
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof NotExplorable) throw cause;
    const { name = "program" } = given;
    throw new InterleavingError(`${name}, on real threads: ${(cause as Error).message}`);
  }
}

/** The failure of a kept token; undefined: it passes, or fits the program no longer. */
function replayed(program: WordsProgram & SearchOptions, token: string): Failure | undefined {
  try {
    return replay(program, token).failure;
  } catch (thrown) {
    if (thrown instanceof TokenError) return undefined;
    throw thrown;
  }
}

function fail(name: string, how: string, failure: Failure): never {
  throw new InterleavingError(`${name}: ${how}\n${failureText(failure)}`, failure);
}
