/**
 * Litmus tests: small programs whose numbers of outcomes tell memory models apart. The numbers are those
 * of herd7 7.56.2 for the models SC, TSO (x86tso) and PSO, up to CoRR; for weak those of the kernel's model,
 * but for LB and "IRIW, acquire", where a CPU would have to do a store early or see one before another CPU.
 */
import { expect, test } from "vitest";
import { Budget } from "../../src/explore/budget.ts";
import { Engine } from "../../src/explore/engine.ts";
import type { ExploredMemory } from "../../src/explore/explored-memory.ts";
import { prepare } from "../../src/explore/program.ts";
import { searchBound } from "../../src/explore/search.ts";
import { MEMORY_MODELS, type MemoryModel } from "../../src/explore/store-buffers.ts";
import type { Address } from "../../src/machine/memory.ts";
import { task, type Words, words } from "./words.ts";

/** One thread: what it stores and loads, in order. Word 0 is x, word 1 is y. */
type Step =
  | { readonly does: "store" | "release"; readonly word: number; readonly value: number }
  | { readonly does: "load" | "acquire"; readonly word: number }
  | { readonly does: "barrier" };

const store = (word: number, value = 1): Step => ({ does: "store", word, value });
const release = (word: number, value = 1): Step => ({ does: "release", word, value });
const load = (word: number): Step => ({ does: "load", word });
const acquire = (word: number): Step => ({ does: "acquire", word });
const barrier: Step = { does: "barrier" };
const X = 0;
const Y = 1;

interface Shape {
  readonly name: string;
  readonly threads: readonly (readonly Step[])[];
  /** Words whose final value belongs to the outcome. */
  readonly final?: readonly number[];
  /** Numbers of outcomes under SC, TSO, PSO and weak. */
  readonly outcomes: readonly [number, number, number, number];
}

const SHAPES: readonly Shape[] = [
  {
    name: "SB",
    threads: [
      [store(X), load(Y)],
      [store(Y), load(X)],
    ],
    outcomes: [3, 4, 4, 4],
  },
  {
    name: "SB, release and acquire",
    threads: [
      [release(X), acquire(Y)],
      [release(Y), acquire(X)],
    ],
    outcomes: [3, 4, 4, 4],
  },
  {
    name: "SB, full barriers",
    threads: [
      [store(X), barrier, load(Y)],
      [store(Y), barrier, load(X)],
    ],
    outcomes: [3, 3, 3, 3],
  },
  {
    name: "MP",
    threads: [
      [store(X), store(Y)],
      [load(Y), load(X)],
    ],
    outcomes: [3, 3, 4, 4],
  },
  {
    name: "MP, release and acquire",
    threads: [
      [store(X), release(Y)],
      [acquire(Y), load(X)],
    ],
    outcomes: [3, 3, 3, 3],
  },
  {
    name: "MP, release and plain load",
    threads: [
      [store(X), release(Y)],
      [load(Y), load(X)],
    ],
    outcomes: [3, 3, 3, 4],
  },
  {
    name: "S",
    threads: [
      [store(X, 2), store(Y)],
      [load(Y), store(X, 1)],
    ],
    final: [X],
    outcomes: [3, 3, 4, 4],
  },
  {
    name: "R",
    threads: [
      [store(X), store(Y, 1)],
      [store(Y, 2), load(X)],
    ],
    final: [Y],
    outcomes: [3, 4, 4, 4],
  },
  {
    name: "2+2W",
    threads: [
      [store(X, 2), store(Y, 1)],
      [store(Y, 2), store(X, 1)],
    ],
    final: [X, Y],
    outcomes: [3, 3, 4, 4],
  },
  {
    name: "LB",
    threads: [
      [load(X), store(Y)],
      [load(Y), store(X)],
    ],
    outcomes: [3, 3, 3, 3],
  },
  {
    name: "WRC",
    threads: [[store(X)], [load(X), store(Y)], [load(Y), load(X)]],
    outcomes: [7, 7, 7, 8],
  },
  {
    name: "IRIW",
    threads: [[store(X)], [store(Y)], [load(X), load(Y)], [load(Y), load(X)]],
    outcomes: [15, 15, 15, 16],
  },
  {
    name: "MP, full barriers",
    threads: [
      [store(X), barrier, store(Y)],
      [load(Y), barrier, load(X)],
    ],
    outcomes: [3, 3, 3, 3],
  },
  {
    name: "MP, barrier and plain load",
    threads: [
      [store(X), barrier, store(Y)],
      [load(Y), load(X)],
    ],
    outcomes: [3, 3, 3, 4],
  },
  {
    name: "MP, plain store and acquire",
    threads: [
      [store(X), store(Y)],
      [acquire(Y), load(X)],
    ],
    outcomes: [3, 3, 4, 4],
  },
  {
    name: "WRC, release and acquire",
    threads: [[store(X)], [load(X), release(Y)], [acquire(Y), load(X)]],
    outcomes: [7, 7, 7, 7],
  },
  {
    name: "IRIW, full barriers",
    threads: [[store(X)], [store(Y)], [load(X), barrier, load(Y)], [load(Y), barrier, load(X)]],
    outcomes: [15, 15, 15, 15],
  },
  {
    // On POWER a store is seen by one CPU before another, which the kernel's model allows: 16.
    name: "IRIW, acquire",
    threads: [[store(X)], [store(Y)], [acquire(X), load(Y)], [acquire(Y), load(X)]],
    outcomes: [15, 15, 15, 15],
  },
  {
    name: "LB, acquire",
    threads: [
      [acquire(X), store(Y)],
      [acquire(Y), store(X)],
    ],
    outcomes: [3, 3, 3, 3],
  },
  { name: "CoRR", threads: [[store(X)], [load(X), load(X)]], outcomes: [3, 3, 3, 3] },
];

/** The register of a thread's load lies in a word that no other thread touches. */
const registerOf = (thread: number, at: number): number => 2 + thread * 4 + at;

function run(
  memory: ExploredMemory,
  at: (word: number) => Address,
  thread: number,
  steps: readonly Step[],
) {
  const register = (index: number, value: number): void =>
    memory.writeOnce(at(registerOf(thread, index)), value);
  steps.forEach((step, index) => {
    if (step.does === "store") memory.writeOnce(at(step.word), step.value);
    else if (step.does === "release") memory.storeRelease(at(step.word), step.value);
    else if (step.does === "load") register(index, memory.readOnce(at(step.word)));
    else if (step.does === "acquire") register(index, memory.loadAcquire(at(step.word)));
    else memory.add(at(registerOf(thread, 3)), 0);
  });
}

function outcomesOf({ threads, final = [] }: Shape, model: MemoryModel): ReadonlySet<string> {
  const found = new Set<string>();
  const seen = [...threads.keys()].flatMap((thread) =>
    [0, 1, 2].map((at) => registerOf(thread, at)),
  );
  const program = prepare<Words, undefined>({
    name: "litmus",
    world: () => words(threads.length, 0, model),
    contexts: threads.map((steps, thread) =>
      task(thread, `thread ${thread}`, (memory, at) => run(memory, at, thread, steps)),
    ),
    check: {
      atEnd: ({ memory, at }) => {
        found.add([...seen, ...final].map((word) => memory.peek(at(word))).join());
      },
    },
  });
  const engine = new Engine(program);
  expect(searchBound(engine, 20, { budget: new Budget() }, { prunes: true }).complete).toBe(true);
  return found;
}

test.each(
  SHAPES.flatMap((shape) =>
    MEMORY_MODELS.map(
      (model, at) => [shape.name, model, shape.outcomes[at] as number, shape] as const,
    ),
  ),
)("%s has under %s %i outcomes", (_, model, outcomes, shape) => {
  expect(outcomesOf(shape, model).size).toBe(outcomes);
});
