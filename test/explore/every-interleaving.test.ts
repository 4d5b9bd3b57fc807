/** Every interleaving, by one schedule for many, against the plain enumeration of all schedules. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ANY_NUMBER, Budget } from "../../src/explore/budget.ts";
import type { ContextSpec } from "../../src/explore/context.ts";
import { Engine, type Program } from "../../src/explore/engine.ts";
import { explore } from "../../src/explore/explore.ts";
import { NotExplorable } from "../../src/explore/failure.ts";
import { prepare } from "../../src/explore/program.ts";
import { searchBound } from "../../src/explore/search.ts";
import { searchEvery } from "../../src/explore/search-every.ts";
import { operation, task, type WordOperation, type Words, words } from "./words.ts";

type Contexts = readonly ContextSpec<Words, undefined>[];

const CPUS = 3;
const LOCK = 3;
/** No program here has as many preemptions. */
const UNBOUNDED = 99;

const searched = (contexts: Contexts) =>
  explore({ name: "all", world: () => words(4), contexts, search: { strategy: "all" } });

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

const byRepresentatives = (engine: Engine): number => {
  const result = searchEvery(engine, { budget: new Budget() });
  expect(result.hit).toBeUndefined();
  expect(result.complete).toBe(true);
  return result.schedules;
};

const byEnumeration = (engine: Engine): number => {
  const options = { prunes: false };
  const result = searchBound(engine, UNBOUNDED, { budget: new Budget(10_000) }, options);
  fc.pre(result.complete);
  return result.schedules;
};

/** The interrupt can come before its CPU's task switches it off, though the two steps share no word. */
const needsTheCpu: Shape = [
  { cpu: 0, kind: "task", operations: [[4, 9, 3, 12]] },
  { cpu: 0, kind: "interrupt", operations: [[0]] },
  { cpu: 1, kind: "task", operations: [[4, 5]] },
];

describe("one schedule for all that only order independent steps otherwise", () => {
  test("has the memories and results of full enumeration, in a tenth of its schedules", () => {
    let enumerated = 0;
    let needed = 0;
    fc.assert(
      fc.property(shape, (given) => {
        const contexts = contextsOf(given);
        const expected = seen(contexts, false, byEnumeration);
        const found = seen(contexts, false, byRepresentatives);
        expect(found.ends).toEqual(expected.ends);
        enumerated += expected.schedules;
        needed += found.schedules;
      }),
      { numRuns: 60, seed: 5, examples: [[needsTheCpu]] },
    );
    expect(needed).toBeLessThan(enumerated / 10);
  });

  test("shows a check after each operation the memories that full enumeration shows", () => {
    fc.assert(
      fc.property(shape, (given) => {
        const contexts = contextsOf(given);
        const expected = seen(contexts, true, byEnumeration);
        expect(seen(contexts, true, byRepresentatives).between).toEqual(expected.between);
      }),
      { numRuns: 60, seed: 6 },
    );
  });

  test("is one schedule for four CPUs that share nothing, and 24 for one common write of each", () => {
    const apart = [0, 1, 2, 3].map((cpu) =>
      task(cpu, "count", (memory, at) => {
        for (let i = 0; i < 5; i++) memory.writeOnce(at(cpu), memory.readOnce(at(cpu)) + 1);
      }),
    );
    const together = apart.map(({ cpu }) =>
      task(cpu, "write", (memory, at) => memory.writeOnce(at(0), cpu)),
    );
    expect(searched(apart)).toMatchObject({ complete: { preemptions: ANY_NUMBER, schedules: 1 } });
    expect(searched(together)).toMatchObject({ complete: { schedules: 24 } });
  });

  test("finds a failure that needs four preemptions, which no smaller bound shows", () => {
    // The two take turns, six stretches in all, until they meet.
    const turns = (cpu: number, own: readonly number[]) =>
      task(cpu, "take turns", (memory, at) => {
        for (const turn of own)
          if (memory.readOnce(at(0)) === turn) memory.writeOnce(at(0), turn + 1);
      });
    const contexts = [turns(0, [0, 2, 4]), turns(1, [1, 3, 5])];
    const check = {
      atEnd: ({ memory, at }: Words): void => {
        if (memory.read32(at(0)) === 6) throw new Error("met");
      },
    };
    const bound = { strategy: "bound", preemptions: 3 } as const;
    const below = explore({ name: "turns", world: () => words(2), contexts, check, search: bound });
    expect(below).toMatchObject({ failure: undefined, complete: { preemptions: 3 } });
    const { failure } = explore({
      ...{ name: "turns", world: () => words(2), contexts, check },
      search: { strategy: "all" },
    });
    expect(failure).toMatchObject({ message: "Error: met", preemptions: 4 });
  });

  test("sees every order of operations that a check looks at, though they share no word", () => {
    const contexts = [0, 1].map((cpu) =>
      task(cpu, "write", (memory, at) => memory.writeOnce(at(cpu), 1)),
    );
    expect(seen(contexts, true, byRepresentatives).between).toEqual(
      new Set(["1,0,0", "0,1,0", "1,1,0"]),
    );
  });

  test("finds a deadlock, and a wake-up that comes too early", () => {
    const locks = (cpu: number, first: number) =>
      task(cpu, "lock both", (memory, at) => {
        for (const lock of [first, 1 - first]) {
          while (memory.cmpxchg(at(lock), 0, 1) !== 0) memory.waitWhile(at(lock), 1);
        }
        memory.writeOnce(at(0), 0);
        memory.writeOnce(at(1), 0);
      });
    expect(searched([locks(0, 0), locks(1, 1)]).failure?.class).toBe("deadlock");
    expect(searched([locks(0, 0), locks(1, 0)]).failure).toBeUndefined();
    // Only a task that begins to wait between the two misses it.
    const early = [
      task(0, "wait", (memory, at) => memory.waitWhile(at(0), 0)),
      task(1, "look, wake, write", (memory, at) => {
        memory.readOnce(at(1));
        memory.notify(at(0));
        memory.writeOnce(at(0), 1);
      }),
    ];
    const world = (): Words => {
      const made = words(2);
      made.memory.requireNotify();
      return made;
    };
    const search = { strategy: "all" } as const;
    const { failure } = explore({ name: "early", world, contexts: early, search });
    expect(failure?.class).toBe("deadlock");
  });

  test("tells equal tasks on equal CPUs apart, since a third may go through the CPUs in order", () => {
    const equal = [1, 2].map((cpu) =>
      task(cpu, "write", (memory, at) => memory.writeOnce(at(memory.smpProcessorId()), 1)),
    );
    const look = task(0, "look", (memory, at) => {
      const seen = [1, 2, 1].map((cpu) => memory.readOnce(at(cpu)));
      // Only where CPU 2 begins, and no mirror image shows it.
      if (seen.join("") === "010") throw new Error("CPU 2 was first");
    });
    expect(searched([...equal, look]).failure?.message).toBe("Error: CPU 2 was first");
  });

  test("is refused where a task migrates, and with store buffers", () => {
    const contexts = [{ ...task(0, "write", (memory, at) => memory.writeOnce(at(0), 1)) }];
    const search = { strategy: "all" } as const;
    const moving = contexts.map((context) => ({ ...context, migrates: true }));
    const name = "refused";
    expect(() => explore({ name, world: () => words(2), contexts: moving, search })).toThrow(
      NotExplorable,
    );
    expect(() => explore({ name, world: () => words(2, 0, "tso"), contexts, search })).toThrow(
      NotExplorable,
    );
  });
});
