import fc from "fast-check";
import { expect, test } from "vitest";
import { KeepsTid, ToySlub, WithoutTid } from "../../examples/toy-slub.ts";
import { allocAgainstInterrupt, freeAgainstAlloc, twoCpus } from "../../examples/toy-world.ts";
import { Budget } from "../../src/explore/budget.ts";
import type { ContextSpec } from "../../src/explore/context.ts";
import { Engine } from "../../src/explore/engine.ts";
import { explore } from "../../src/explore/explore.ts";
import type { ExploredMemory } from "../../src/explore/explored-memory.ts";
import { kindName } from "../../src/explore/kinds.ts";
import { samplerOf } from "../../src/explore/portfolio.ts";
import { prepare } from "../../src/explore/program.ts";
import { StaleSchedule } from "../../src/explore/schedulers/replay.ts";
import { contextOf, type Runnable } from "../../src/explore/schedulers/scheduler.ts";
import { searchBound, searchWith } from "../../src/explore/search.ts";
import { task, type WordOperation, type Words, words } from "./words.ts";

type Contexts = readonly ContextSpec<Words, undefined>[];

const increment = (cpu: number) =>
  task(cpu, "increment", (memory, at) => memory.writeOnce(at(0), memory.readOnce(at(0)) + 1));

/** All final values of the first words, under a bound, with or without cutting known states short. */
function outcomes(contexts: Contexts, bound: number, prunes: boolean): Set<string> {
  const found = new Set<string>();
  const program = prepare({
    name: "outcomes",
    world: () => words(2),
    contexts,
    check: {
      atEnd: ({ memory, at }) => {
        found.add([0, 1, 2].map((word) => memory.read32(at(word))).join());
      },
    },
  });
  const result = searchBound(new Engine(program), bound, { budget: new Budget() }, { prunes });
  expect(result.complete).toBe(true);
  return found;
}

test("two increments have two outcomes, the second of which needs a preemption", () => {
  expect(outcomes([increment(0), increment(1)], 0, false)).toEqual(new Set(["2,0,0"]));
  expect(outcomes([increment(0), increment(1)], 1, false)).toEqual(new Set(["2,0,0", "1,0,0"]));
});

test("a bounded search runs exactly the schedules with so many preemptions", () => {
  const program = prepare({
    name: "count",
    world: () => words(2),
    contexts: [increment(0), increment(1)],
  });
  const engine = new Engine(program);
  const count = (bound: number): number =>
    searchBound(engine, bound, { budget: new Budget() }, { prunes: false }).schedules;
  // Two accesses each. Bound 0: one order or the other. Bound 1 also has a switch before the second
  // access of the first task, bound 2 one back before the second access of the other.
  expect([count(0), count(1), count(2), count(9)]).toEqual([2, 4, 6, 6]);
});

/** A small program: reads, writes sums of values read, swaps, has windows without interrupts. */
function interpret(steps: readonly number[]): WordOperation {
  return {
    name: steps.join(),
    run: ({ memory, at }) => {
      let seen = 1;
      for (const step of steps) {
        const word = at(step % 3);
        const action = Math.floor(step / 3);
        if (action === 0) seen += memory.readOnce(word);
        else if (action === 1) memory.writeOnce(word, seen);
        else if (action === 2) memory.cmpxchg(word, 0, seen);
        else if (action === 3) memory.irqDisable();
        else memory.irqEnable();
      }
      memory.irqEnable();
      return seen;
    },
  };
}

const program = fc.array(
  fc.record({
    cpu: fc.integer({ min: 0, max: 1 }),
    kind: fc.constantFrom("task", "task", "interrupt"),
    migrates: fc.boolean(),
    operations: fc.array(fc.array(fc.integer({ min: 0, max: 14 }), { maxLength: 4 }), {
      minLength: 1,
      maxLength: 2,
    }),
  }),
  { minLength: 2, maxLength: 3 },
);

type Shape = ReturnType<typeof program.generate>["value"];

const contextsOf = (shape: Shape): Contexts =>
  shape.map(({ cpu, kind, migrates, operations }, i) => ({
    name: `context ${i}`,
    cpu,
    kind: kind as "task" | "interrupt",
    migrates: migrates && kind === "task",
    operations: operations.map(interpret),
  }));

/** Loses an outcome if a known state is cut short although more of the budget is left than before. */
const needsTheBudget: Shape = [[[0, 5]], [[3], [1, 0, 5]], [[4], [2, 3]]].map((operations) => ({
  cpu: 0,
  kind: "task",
  migrates: false,
  operations,
}));

test("cutting known states short loses no outcome, under any bound", () => {
  fc.assert(
    fc.property(program, fc.integer({ min: 0, max: 2 }), (shape, bound) => {
      const contexts = contextsOf(shape);
      expect(outcomes(contexts, bound, true)).toEqual(outcomes(contexts, bound, false));
    }),
    { numRuns: 80, seed: 7, examples: [[needsTheBudget, 2]] },
  );
});

test("cutting known states short gives the same answer in fewer than half the schedules", () => {
  const reads = (cpu: number) =>
    task(cpu, "read", (memory, at) => {
      for (let i = 0; i < 6; i++) memory.readOnce(at(0));
      memory.writeOnce(at(0), cpu);
    });
  const contexts = [reads(0), reads(1)];
  const engine = new Engine(prepare({ name: "reads", world: () => words(2), contexts }));
  const count = (prunes: boolean): number => {
    const budget = new Budget();
    expect(searchBound(engine, 4, { budget }, { prunes }).complete).toBe(true);
    return budget.schedules;
  };
  expect(count(true)).toBeLessThan(count(false) / 2);
});

/** Loses an outcome if no context can come between the last access with interrupts on and the first without. */
const needsTheClosingEdge: Shape = [
  { cpu: 0, kind: "task", migrates: false, operations: [[0, 9, 1, 5]] },
  { cpu: 0, kind: "interrupt", migrates: false, operations: [[3, 4]] },
];

test("words that are not shared are no scheduling points, and no outcome is lost by that", () => {
  fc.assert(
    fc.property(program, (shape) => {
      const contexts = contextsOf(shape);
      const all = new Set<string>();
      const everyPoint = prepare({
        name: "every-point",
        world: () => words(2),
        contexts,
        check: {
          atEnd: ({ memory, at }) => {
            all.add([0, 1, 2].map((word) => memory.read32(at(word))).join());
          },
        },
      });
      const engine = new Engine(everyPoint);
      everyPoint.memory.stops.askingEverywhere(() =>
        searchBound(engine, 1, { budget: new Budget() }, { prunes: false }),
      );
      expect(outcomes(contexts, 1, true)).toEqual(all);
    }),
    { numRuns: 80, seed: 11, examples: [[needsTheClosingEdge]] },
  );
});

test("words that are only read are no scheduling points", () => {
  const looks = (cpu: number) =>
    task(cpu, "look", (memory, at) => {
      for (let i = 0; i < 6; i++) memory.readOnce(at(0));
      memory.writeOnce(at(1 + cpu), cpu);
    });
  const contexts = [looks(0), looks(1)];
  const engine = new Engine(prepare({ name: "looks", world: () => words(2), contexts }));
  const { schedules } = searchBound(engine, 4, { budget: new Budget() }, { prunes: false });
  // One task or the other begins.
  expect(schedules).toBe(2);
  expect(engine.memory.sharing.conflicts()).toEqual([]);
});

test("a conflicting pair is two accesses of different contexts to one word, one a write", () => {
  const contexts = [increment(0), increment(1)];
  const engine = new Engine(prepare({ name: "pairs", world: () => words(2), contexts }));
  searchBound(engine, 1, { budget: new Budget() }, { prunes: true });
  const pairs = engine.memory.sharing.conflicts().map(({ kinds }) => kinds.map(kindName).join());
  expect(pairs.sort()).toEqual(["readOnce,writeOnce", "writeOnce,readOnce", "writeOnce,writeOnce"]);
});

/** The answers of `watch` at the end of every schedule with at most 2 preemptions. */
function endsOf(contexts: Contexts, watch: (world: Words) => unknown): unknown[] {
  const ends = new Set<string>();
  const program = prepare({
    name: "ends",
    world: () => words(2),
    contexts,
    check: { atEnd: (world) => ends.add(String(watch(world))) },
  });
  const limits = { budget: new Budget() };
  expect(searchBound(new Engine(program), 2, limits, { prunes: true }).complete).toBe(true);
  return [...ends].sort();
}

const withoutInterrupts = (memory: ExploredMemory, look: () => number): number => {
  const flags = memory.irqSave();
  const seen = look();
  memory.irqRestore(flags);
  return seen;
};

const withoutPreemption = (memory: ExploredMemory, look: () => number): number => {
  memory.preemptDisable();
  const seen = look();
  memory.preemptEnable();
  return seen;
};

test.each([
  ["irqSave", "interrupt", withoutInterrupts],
  ["preemptDisable", "task", withoutPreemption],
] as const)("another context may come between the last access and %s", (_, kind, alone) => {
  const looksTwice = task(0, "look twice", (memory, at) => {
    const before = memory.readOnce(at(0));
    const after = alone(memory, () => memory.readOnce(at(0)));
    memory.writeOnce(at(1), before * 10 + after);
  });
  const write = task(0, "write", (memory, at) => memory.writeOnce(at(0), 1));
  const ends = endsOf([looksTwice, { ...write, kind }], ({ memory, at }) => memory.peek(at(1)));
  expect(ends).toEqual(["0", "1", "11"]);
});

test("a swap of two words is a scheduling point if either of them is shared", () => {
  const ends = endsOf(
    [
      task(0, "swap", (memory, at) => {
        memory.writeOnce(at(1), 1);
        memory.cmpxchgDouble(at(0), 0, 0, 0, 1);
      }),
      task(1, "look", (memory, at) => {
        const earlier = memory.readOnce(at(1));
        memory.writeOnce(at(2), earlier * 10 + memory.readOnce(at(0) + 4));
      }),
    ],
    ({ memory, at }) => memory.peek(at(2)),
  );
  expect(ends).toEqual(["0", "1", "10", "11"]);
});

test("a swap of two words of this CPU's area is a scheduling point if either is shared", () => {
  const ends = endsOf(
    [
      task(0, "swap", (memory, at) => {
        memory.writeOnce(at(1), 1);
        memory.thisCpuCmpxchgDouble(64, 0, 0, 0, 1);
      }),
      task(1, "look", (memory, at) => {
        const earlier = memory.readOnce(at(1));
        memory.writeOnce(at(2), earlier * 10 + memory.readOnce(memory.perCpuPtr(64, 0) + 4));
      }),
    ],
    ({ memory, at }) => memory.peek(at(2)),
  );
  expect(ends).toEqual(["0", "1", "10", "11"]);
});

test("a copy is a scheduling point if the range that it reads is shared", () => {
  const ends = endsOf(
    [
      task(0, "copy", (memory, at) => {
        memory.writeOnce(at(1), 1);
        memory.copy(at(2), at(0), 4);
      }),
      task(1, "write", (memory, at) => {
        if (memory.readOnce(at(1)) === 1) memory.writeOnce(at(0), 1);
      }),
    ],
    ({ memory, at }) => memory.peek(at(2)),
  );
  expect(ends).toEqual(["0", "1"]);
});

test.each(["pct", "pos", "walk"] as const)("the strategy %s finds an ABA problem", (strategy) => {
  const { failure } = explore({
    ...allocAgainstInterrupt(WithoutTid),
    search: { strategy, schedules: 20_000 },
  });
  expect(failure).toMatchObject({ class: "double-allocation", preemptions: 1 });
});

test("the portfolio goes on after its bounds, and reports the largest complete bound", () => {
  const { failure, complete, schedules } = explore({
    ...twoCpus(ToySlub),
    search: { preemptions: 1, schedules: 3000 },
  });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(1);
  expect(schedules).toBe(3000);
});

test("a search ends when its progress callback answers false", () => {
  const heard: number[] = [];
  const { schedules, failure } = explore({
    ...twoCpus(ToySlub),
    search: {
      schedules: 100_000,
      progress: ({ schedules }) => {
        heard.push(schedules);
        return heard.length < 2;
      },
    },
  });
  expect(failure).toBeUndefined();
  expect(heard).toHaveLength(2);
  expect(schedules).toBe(heard[1]);
});

test("a bound is not called complete if the budget ends before it", () => {
  const search = { strategy: "bound", schedules: 8 } as const;
  const { complete } = explore({ ...freeAgainstAlloc(ToySlub), search });
  expect(complete?.preemptions).toBe(0);
  expect(explore({ ...twoCpus(ToySlub), search: { schedules: 1 } }).complete).toBeUndefined();
});

test.each(["portfolio", "pct", "pos", "walk"] as const)(
  "ten runs of %s with one seed are identical",
  (strategy) => {
    const run = () => {
      const search = { strategy, schedules: 500, seed: 42, preemptions: 1 };
      const {
        seconds: _s,
        cpuSeconds: _c,
        ...rest
      } = explore({ ...freeAgainstAlloc(KeepsTid), search });
      return JSON.stringify(rest);
    };
    const first = run();
    for (let i = 1; i < 10; i++) expect(run()).toBe(first);
  },
);

test("after any schedule the memory is byte for byte as set-up left it", () => {
  const scenario = twoCpus(ToySlub);
  const engine = new Engine(prepare(scenario));
  const { memory } = engine;
  const start = memory.layout.cpuBase;
  const all = () => Array.from({ length: 20_000 }, (_, i) => memory.peek(start + i * 4));
  const wanted = memory.byteLength - start;
  const digest = (): number => {
    let hash = 0;
    for (let i = 0; i < wanted; i += 4) hash = (Math.imul(hash, 31) + memory.peek(start + i)) | 0;
    return hash;
  };
  const before = { all: all(), digest: digest() };
  searchWith(engine, samplerOf("walk", 1), { budget: new Budget(200) });
  expect(all()).toEqual(before.all);
  expect(digest()).toBe(before.digest);
});

test("memories that differ only in statistics are both checked at the end", () => {
  const counts = task(0, "count", (memory, at) => {
    if (memory.readOnce(at(0)) === 0) memory.count(at(1), 1);
  });
  const write = task(1, "write", (memory, at) => memory.writeOnce(at(0), 1));
  const ends = endsOf([counts, write], ({ memory, at }) => memory.peek(at(1)));
  expect(ends).toEqual(["0", "1"]);
});

test("a word that a context no longer waits for does not tell two states apart", () => {
  const waits = task(0, "wait", (memory, at) => {
    memory.waitWhile(at(0), 5);
    memory.readOnce(at(1));
  });
  const wakes = task(1, "wake", (memory, at) => memory.writeOnce(at(0), 0));
  const program = prepare({
    name: "waits",
    world: () => words(2),
    setup: ({ memory, at }) => memory.write32(at(0), 5),
    contexts: [waits, wakes],
  });
  const engine = new Engine(program);
  /** The state before the last access, where `first` begins. */
  const lastState = (first: number): number => {
    let key = 0;
    let decisions = 0;
    const next = ({ choices }: Runnable): number => {
      key = engine.stateKey();
      const wanted = choices.findIndex((choice) => contextOf(choice) === first);
      return decisions++ === 0 ? wanted : 0;
    };
    const { found } = program.memory.stops.askingEverywhere(() =>
      engine.run({ begin: () => true, next }),
    );
    expect(found).toBeUndefined();
    return key;
  };
  const withoutWaiting = lastState(1);
  expect(lastState(0)).toBe(withoutWaiting);
  expect(lastState(1)).toBe(withoutWaiting);
});

test("a schedule that does not fit also leaves the memory as set-up left it", () => {
  const contexts = [increment(0), increment(1)];
  const engine = new Engine(prepare({ name: "stale", world: () => words(2), contexts }));
  const { memory, world } = engine.program;
  const refuses = {
    begin: () => true,
    next: ({ choices }: Runnable, current: number): number => {
      if (current < 0 && choices.length === 1) throw new StaleSchedule("on purpose");
      return 0;
    },
  };
  const run = () => memory.stops.askingEverywhere(() => engine.run(refuses));
  expect(run).toThrow(StaleSchedule);
  expect(memory.peek(world.at(0))).toBe(0);
  memory.write32(world.at(0), 7);
  expect(memory.peek(world.at(0))).toBe(7);
});

test("a set-up step that throws leaves CPU, interrupts and lease as they were", () => {
  const { memory, at } = words(2);
  const section = (): void => {
    memory.irqDisable();
    memory.waitWhile(at(0), 0);
  };
  expect(() => memory.runAs(1, section)).toThrow("no other context runs");
  expect([memory.smpProcessorId(), memory.irqsDisabled()]).toEqual([0, false]);
  expect(memory.peek(memory.busyCpus.wordOf(1))).toBe(0);
});
