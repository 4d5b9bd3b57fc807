/**
 * A scenario made ready: its world built, its set-up run, and what that left in the memory declared
 * the beginning of every schedule.
 */
import type { ContextSpec } from "./context.ts";
import type { Program } from "./engine.ts";
import { Describer } from "./names.ts";
import { TokenError } from "./token.ts";
import type { World } from "./world.ts";

/** A small program over shared memory, and what must hold of it. */
export interface Scenario<W extends World, S = undefined> {
  /** Part of the token: letters, digits, `-`, `.`, `/`. */
  readonly name: string;
  /** Builds what the operations run on, once. */
  readonly world: () => W;
  /** Runs once, as CPU 0, before exploration; other CPUs by `memory.runAs`. */
  readonly setup?: (world: W) => S;
  readonly contexts: readonly ContextSpec<W, S>[];
  readonly check?: {
    /** After every operation, while others may be in the middle of one. Throws what it finds. */
    readonly afterEach?: (world: W, setup: S) => void;
    /**
     * When all have finished. What it says must follow from the memory alone: many schedules end with
     * the same memory, which is checked once. Of statistics it sees those of the schedules that were
     * run: one that is cut short at a known state may have come there with others.
     */
    readonly atEnd?: (world: W, setup: S) => void;
  };
}

/** @throws RangeError for a scenario that cannot be run. */
export function prepare<W extends World, S>(scenario: Scenario<W, S>): Program {
  if (!/^[\w./-]+$/.test(scenario.name)) {
    throw new RangeError(`"${scenario.name}" is no name of a scenario: letters, digits, - . /`);
  }
  const world = scenario.world();
  const { memory } = world;
  for (const { name, cpu } of scenario.contexts) {
    if (cpu >= 0 && cpu < memory.cpus) continue;
    throw new RangeError(`${name} is on CPU ${cpu}; there are ${memory.cpus}`);
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
