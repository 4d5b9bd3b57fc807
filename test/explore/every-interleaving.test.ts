/** Every interleaving by sleep sets, against the plain enumeration of all schedules. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Budget } from "../../src/explore/budget.ts";
import type { ContextSpec } from "../../src/explore/context.ts";
import { Engine, type Program } from "../../src/explore/engine.ts";
import { prepare } from "../../src/explore/program.ts";
import { searchAll, searchBound } from "../../src/explore/search.ts";
import { operation, task, type WordOperation, type Words, words } from "./words.ts";

type Contexts = readonly ContextSpec<Words, undefined>[];

const CPUS = 3;
const LOCK = 3;
/** No program here has as many preemptions. */
const UNBOUNDED = 99;

/** Reads, writes of what was read, swaps, windows without interrupts, sections under a lock. */
function interpret(steps: readonly number[]): WordOperation {
  return operation(steps.join(), (memory, at) => {
    let seen = 1;
    let holds = false;
    for (const step of steps) {
      const word = at(step % 3);
      const action = Math.floor(step / 3);
      if (action === 0) seen = seen * 2 + memory.readOnce(word);
      else if (action === 1) memory.writeOnce(word, seen);
      else if (action === 2) memory.cmpxchg(word, 0, seen);
      else if (action === 3) memory.irqDisable();
      else if (action === 4) memory.irqEnable();
      else if (!holds) {
        while (memory.cmpxchg(at(LOCK), 0, 1) !== 0) memory.waitWhile(at(LOCK), 1);
        holds = true;
      }
    }
    if (holds) memory.writeOnce(at(LOCK), 0);
    memory.irqEnable();
    return seen;
  });
}

const shape = fc.array(
  fc.record({
    cpu: fc.integer({ min: 0, max: CPUS - 1 }),
    kind: fc.constantFrom("task", "task", "task", "interrupt"),
    operations: fc.array(fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 4 }), {
      minLength: 1,
      maxLength: 2,
    }),
  }),
  { minLength: 2, maxLength: 3 },
);

type Shape = ReturnType<typeof shape.generate>["value"];

const contextsOf = (given: Shape): Contexts =>
  given.map(({ cpu, kind, operations }, i) => ({
    name: `context ${i}`,
    cpu,
    kind: kind as "task" | "interrupt",
    operations: operations.map(interpret),
  }));

interface Seen {
  readonly schedules: number;
  readonly ends: ReadonlySet<string>;
  readonly between: ReadonlySet<string>;
}

/** What `search` sees of the memory and the results at the end, and where `checks`, of the memory between. */
function seen(contexts: Contexts, checks: boolean, search: (engine: Engine) => number): Seen {
  const ends = new Set<string>();
  const between = new Set<string>();
  const look = ({ memory, at }: Words): string => [0, 1, 2].map((i) => memory.read32(at(i))).join();
  let engine: Engine | undefined;
  const program: Program = prepare({
    name: "seen",
    world: () => words(CPUS),
    contexts,
    seesResults: true,
    check: {
      ...(checks ? { afterEach: (world: Words) => void between.add(look(world)) } : {}),
      atEnd: (world) => {
        const results = engine?.contexts.map((context) => context.results.join("+")).join();
        ends.add(`${look(world)} ${results}`);
      },
    },
  });
  engine = new Engine(program);
  return { schedules: search(engine), ends, between };
}

const bySleepSets = (engine: Engine): number => {
  const result = searchAll(engine, { budget: new Budget() });
  expect(result.hit).toBeUndefined();
  expect(result.complete).toBe(true);
  return result.schedules;
};

const byEnumeration = (engine: Engine): number => {
  const options = { prunes: false };
  const result = searchBound(engine, UNBOUNDED, { budget: new Budget(40_000) }, options);
  fc.pre(result.complete);
  return result.schedules;
};

describe("sleep sets and full enumeration", () => {
  test("end with the same memories and results, in no more schedules", () => {
    let all = 0;
    let those = 0;
    fc.assert(
      fc.property(shape, (given) => {
        const contexts = contextsOf(given);
        const expected = seen(contexts, false, byEnumeration);
        const found = seen(contexts, false, bySleepSets);
        expect(found.ends).toEqual(expected.ends);
        expect(found.schedules).toBeLessThanOrEqual(expected.schedules);
        all += expected.schedules;
        those += found.schedules;
      }),
      { numRuns: 100, seed: 5 },
    );
    console.log(those, all);
    expect(those).toBeLessThan(all / 3);
  });

  test("show a check after each operation the same memories", () => {
    fc.assert(
      fc.property(shape, (given) => {
        const contexts = contextsOf(given);
        const expected = seen(contexts, true, byEnumeration);
        expect(seen(contexts, true, bySleepSets).between).toEqual(expected.between);
      }),
      { numRuns: 100, seed: 6 },
    );
  });
});
