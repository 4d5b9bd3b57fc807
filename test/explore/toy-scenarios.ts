/** Scenarios over the toy slab; each takes the class it is run on. */
import type { Operation } from "../../src/explore/context.ts";
import type { Scenario } from "../../src/explore/program.ts";
import type { Address } from "../../src/machine/memory.ts";
import type { ToySlab } from "./toy-slab.ts";

type ToyClass = typeof ToySlab;
type Objects = readonly Address[];
type ToyOperation = Operation<ToySlab, Objects>;
export type ToyScenario = Scenario<ToySlab, Objects>;

const alloc: ToyOperation = { name: "alloc", run: (slab) => slab.alloc() };
const freeOf = (index: number): ToyOperation => ({
  name: `free of object ${index}`,
  run: (slab, { setup }) => slab.free(setup[index] as Address),
});
const freeResult = (index: number): ToyOperation => ({
  name: `free of result ${index}`,
  run: (slab, { results }) => slab.free(results[index] as Address),
});

const audit = { atEnd: (slab: ToySlab): void => slab.audit() };

/** One CPU: an allocation, interrupted by two and a free. */
export function allocAgainstInterrupt(of: ToyClass): ToyScenario {
  return {
    name: "alloc-against-interrupt",
    world: () => new of(1, 4),
    setup: (slab) => {
      slab.free(slab.alloc());
      return [];
    },
    contexts: [
      { name: "task", cpu: 0, operations: [alloc, alloc] },
      {
        name: "interrupt",
        cpu: 0,
        kind: "interrupt",
        operations: [
          {
            name: "alloc, alloc, free",
            run: (slab) => {
              const first = slab.alloc();
              slab.alloc();
              slab.free(first);
            },
          },
        ],
      },
    ],
    check: audit,
  };
}

/** One CPU, two tasks, a slab of two that is used up: a free against an allocation. */
export function freeAgainstAlloc(of: ToyClass): ToyScenario {
  return {
    name: "free-against-alloc",
    world: () => new of(1, 2),
    setup: (slab) => [slab.alloc(), slab.alloc()],
    contexts: [
      { name: "A", cpu: 0, operations: [freeOf(0)] },
      { name: "B", cpu: 0, operations: [alloc] },
    ],
    check: audit,
  };
}

/** Two CPUs, one task that wanders between them, all objects of both in use. */
export function wanderingFree(of: ToyClass): ToyScenario {
  return {
    name: "wandering-free",
    world: () => new of(2, 1),
    setup: (slab) => [slab.alloc(), slab.memory.runAs(1, () => slab.alloc())],
    contexts: [{ name: "wanderer", cpu: 0, migrates: true, operations: [freeOf(1)] }],
    check: audit,
  };
}

/** Two CPUs that allocate and free. */
export function twoCpus(of: ToyClass): ToyScenario {
  return {
    name: "two-cpus",
    world: () => new of(2, 2),
    setup: (slab) => [slab.alloc()],
    contexts: [
      { name: "A", cpu: 0, operations: [alloc, freeResult(0)] },
      { name: "B", cpu: 1, operations: [freeOf(0), alloc, freeResult(1)] },
    ],
    check: audit,
  };
}
