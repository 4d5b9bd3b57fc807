// SPDX-License-Identifier: MIT
/**
 * Prepares a scenario: builds its world, runs its set-up, and declares the memory that set-up leaves
 * the beginning of every schedule.
 */
import type { ContextSpec } from "./context.ts";
import type { EndedSchedule, Program } from "./engine.ts";
import { Describer } from "./names.ts";
import { TokenError } from "./token.ts";
import type { World } from "./world.ts";

/** A small program over shared memory, with its checks. */
export interface Scenario<W extends World, S = undefined> {
  /** Part of the token: letters, digits, `-`, `.`, `/`. */
  readonly name: string;
  /** Builds the objects that the operations run on, once. */
  readonly world: () => W;
  /** Runs once, as CPU 0, before exploration; other CPUs by `memory.runAs`. */
  readonly setup?: (world: W) => S;
  readonly contexts: readonly ContextSpec<W, S>[];
  readonly check?: {
    /** After every operation, while others may be in the middle of one. Throws a failure it finds. */
    readonly afterEach?: (world: W, setup: S) => void;
    /**
     * When all have finished. Its answer must follow from the memory alone: many schedules end with
     * the same memory, which is checked once. It sees the statistics of schedules that ran to their
     * end: a schedule that is cut short at a known state may have had other ones.
     */
    readonly atEnd?: (world: W, setup: S, schedule: EndedSchedule) => void;
  };
  /** See Program. */
  readonly idle?: () => boolean;
  readonly seesResults?: boolean;
  readonly mayCatch?: boolean;
}

/** @throws RangeError for a scenario that cannot be run. */
export function prepare<W extends World, S>(scenario: Scenario<W, S>): Program {
  if (!/^[\w./-]+$/.test(scenario.name)) {
    throw new RangeError(`"${scenario.name}" cannot name a scenario: use letters, digits, - . /`);
  }
  const world = scenario.world();
  const { memory } = world;
  for (const { name, cpu } of scenario.contexts) {
    if (cpu >= 0 && cpu < memory.cpus) continue;
    throw new RangeError(`${name} is on CPU ${cpu}; the machine has ${memory.cpus}`);
  }
  const names = new Describer(world);
  memory.nameBy((address) => names.describe(address).name);
  const setup = memory.runAs(0, () => scenario.setup?.(world));
  memory.journal.commit();
  return {
    memory,
    world,
    setup,
    contexts: scenario.contexts,
    afterEach: scenario.check?.afterEach as Program["afterEach"],
    atEnd: scenario.check?.atEnd as Program["atEnd"],
    idle: scenario.idle,
    seesResults: scenario.seesResults === true,
    mayCatch: scenario.mayCatch === true,
  };
}

/** The same program without some operations, named `context.operation`. */
export function without(program: Program, left: Iterable<string>): Program {
  const set = new Set(left);
  for (const operation of set) {
    const [context, index] = operation.split(".").map(Number) as [number, number];
    if (program.contexts[context]?.operations[index] === undefined) {
      throw new TokenError(`the scenario has no operation ${operation}`);
    }
  }
  return { ...program, without: set };
}

/** The CPU each context starts on, by number. */
export function homesOf(contexts: readonly { readonly home: number }[]): number[] {
  return contexts.map(({ home }) => home);
}
