// SPDX-License-Identifier: MIT
/**
 * Replays one schedule with names, values and stacks. The same schedule of the same program gives the
 * same timeline, in any process.
 */
import { quoted } from "../machine/quoted.ts";
import { Engine, type Outcome, type Program } from "./engine.ts";
import type { Found, FoundClass } from "./failure.ts";
import { Describer } from "./names.ts";
import { both } from "./observer.ts";
import { homesOf, prepare, type Scenario, without } from "./program.ts";
import { RaceWitness } from "./race-witness.ts";
import { ReplayScheduler, type Segment, StaleSchedule } from "./schedulers/replay.ts";
import type { Hit } from "./search.ts";
import type { MemoryModel } from "./store-buffers.ts";
import { Recorder, type TimelineEvent } from "./timeline.ts";
import { parseToken, placed, printToken, type Token, TokenError } from "./token.ts";
import type { World } from "./world.ts";

export interface Failure {
  readonly class: FoundClass;
  readonly message: string;
  /** Replays it: see token.ts. Undefined for `non-determinism`. */
  readonly token: string | undefined;
  readonly preemptions: number;
  readonly steps: number;
  readonly timeline: readonly TimelineEvent[];
  /** The two accesses of a data race, the earlier first. */
  readonly race?: readonly [TimelineEvent, TimelineEvent];
}

export interface Replayed {
  /** Undefined: the schedule passes. */
  readonly failure: Failure | undefined;
  readonly timeline: readonly TimelineEvent[];
}

interface RecordOptions {
  readonly dataRaces: boolean;
  readonly watch?: (() => unknown) | undefined;
}

interface Run {
  readonly outcome: Outcome;
  readonly recorder: Recorder;
  readonly race: Failure["race"];
}

function runRecorded(
  engine: Engine,
  segments: readonly Segment[],
  { dataRaces, watch }: RecordOptions,
): Run {
  const { memory, contexts } = engine;
  const names = new Describer(engine.program.world);
  const length = segments.reduce((sum, { steps }) => sum + steps, 0);
  const recorder = new Recorder(names, () => memory.stops.steps, length, watch);
  const detector = dataRaces ? new RaceWitness(contexts, memory, recorder.events) : undefined;
  const scheduler = new ReplayScheduler(segments);
  scheduler.begin();
  const observer = detector === undefined ? recorder : both(recorder, detector);
  const outcome = engine.runRecorded(scheduler, recorder, observer);
  scheduler.checkIsUsedUp();
  if (outcome.found !== undefined) {
    recorder.failed(engine.lastContext, outcome.found.message);
  }
  recorder.markWhatMatters();
  return { outcome, recorder, race: detector?.accesses() };
}

/** The failure of a schedule that a search has found, with its token. */
export function recordFailure(
  scenario: string,
  program: Program,
  hit: Hit,
  options: { readonly dataRaces: boolean },
): Failure {
  const { found, segments, preemptions, steps } = hit;
  if (found.class === "non-determinism") {
    return { ...found, token: undefined, preemptions, steps, timeline: [] };
  }
  const engine = new Engine(program);
  const again = runAgain(engine, segments, options);
  const foundAgain = again?.outcome.found;
  if (again === undefined || foundAgain?.class !== found.class) {
    return { ...changedCourse(found), token: undefined, preemptions, steps, timeline: [] };
  }
  const { outcome, recorder, race } = again;
  const left = [...(program.without ?? [])];
  const token = printToken(
    { scenario, without: left, hash: recorder.hash, segments, model: modelOf(program) },
    homesOf(engine.contexts),
  );
  const timeline = recorder.events;
  const failure = { ...foundAgain, token, preemptions, steps: outcome.steps, timeline };
  return race === undefined ? failure : { ...failure, race };
}

/** Undefined: the schedule cannot be followed, since the program takes another course. */
function runAgain(
  engine: Engine,
  segments: readonly Segment[],
  options: RecordOptions,
): Run | undefined {
  try {
    return runRecorded(engine, segments, options);
  } catch (thrown) {
    if (thrown instanceof StaleSchedule) return undefined;
    throw thrown;
  }
}

/** A failing schedule that does not fail again: something outlives a schedule. */
function changedCourse(found: Found): Found {
  return {
    class: "non-determinism",
    message:
      `non-determinism: a schedule that failed with ${found.class} (${found.message}) took another ` +
      "course when it was run again. Something outlives a schedule: a field, a closure, a module's " +
      "variable. Build such objects inside the operation, or keep their state in the shared memory",
  };
}

/**
 * Replays a token of `scenario`. @throws TokenError if the token cannot be read, belongs to another
 * scenario, or no longer fits this one.
 */
export function replay<W extends World, S>(
  scenario: Scenario<W, S>,
  text: string,
  options: {
    readonly dataRaces?: boolean;
    /** Looks at the world after each event; it may only peek. Its answer is the event's `state`. */
    readonly watch?: (world: W) => unknown;
  } = {},
): Replayed {
  const token = parseToken(text);
  if (token.scenario !== scenario.name) {
    throw new TokenError(`the token is of "${quoted(token.scenario)}", not of "${scenario.name}"`);
  }
  const program = without(prepare(scenario), token.without);
  if (token.model !== modelOf(program)) {
    throw new TokenError(`the token is of --memory ${token.model}, not of ${modelOf(program)}`);
  }
  const engine = new Engine(program);
  const { dataRaces = false, watch } = options;
  const look = watch && (() => watch(engine.program.world));
  const run = runToken(engine, token, { dataRaces, watch: look });
  const { found, preemptions, steps } = run.outcome;
  const timeline = run.recorder.events;
  if (found === undefined) return { failure: undefined, timeline };
  const failure = { ...found, token: text.trim(), preemptions, steps, timeline };
  const { race } = run;
  return { failure: race === undefined ? failure : { ...failure, race }, timeline };
}

const modelOf = ({ memory }: Program): MemoryModel => memory.buffers?.model ?? "sc";

function runToken(engine: Engine, token: Token, options: RecordOptions): Run {
  try {
    const segments = placed(token.segments, homesOf(engine.contexts));
    const run = runRecorded(engine, segments, options);
    if (run.recorder.hash === token.hash) return run;
    throw new StaleSchedule(`the accesses have changed (${run.recorder.hash}, not ${token.hash})`);
  } catch (thrown) {
    if (!(thrown instanceof StaleSchedule)) throw thrown;
    throw new TokenError(
      `the token no longer fits the program: ${thrown.message}. Search again for a new one`,
    );
  }
}
