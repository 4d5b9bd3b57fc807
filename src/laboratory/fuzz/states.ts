// SPDX-License-Identifier: GPL-2.0-only
/** The states from which generated programs start: what set-up does, and which objects it leaves. */
import { on, type SetupStep } from "../scenario.ts";
import { alloc, flush, free, type Step, tune } from "../steps.ts";
import type { HabitatMachine } from "./habitat.ts";

export interface State {
  readonly name: string;
  readonly setup: readonly SetupStep[];
  /** Numbers of the objects that are still held, by name: `a.0`, `a.1`, … */
  readonly held: readonly HeldObjects[];
}

export interface HeldObjects {
  readonly name: string;
  readonly numbers: readonly number[];
}

/** `count` objects of CPU 0, or of another, of which some are freed again. */
interface Part {
  readonly count: number;
  readonly freed?: readonly number[];
  readonly cpu?: number;
  readonly node?: number;
}

const NAMES = ["a", "b"] as const;

function state(name: string, parts: readonly Part[], last: readonly Step[] = []): State {
  const named = parts.map((part, at) => ({ ...part, name: NAMES[at] as string }));
  return {
    name,
    setup: [
      ...named.flatMap(({ name, count, cpu = 0, node }) => on(cpu, alloc(name, count, node))),
      ...named.flatMap(({ name, freed = [], cpu = 0 }) =>
        on(cpu, ...freed.map((i) => free(`${name}.${i}`))),
      ),
      ...on(0, ...last),
    ],
    held: named.map(({ name, count, freed = [] }) => ({
      name,
      numbers: Array.from({ length: count }, (_, i) => i).filter((i) => !freed.includes(i)),
    })),
  };
}

/** A slab has four objects. */
const STATES: readonly State[] = [
  state("a slab that is used up", [{ count: 4 }]),
  state("a slab half used", [{ count: 2 }]),
  state("a slab with one object, on its CPU", [{ count: 4, freed: [1, 2, 3] }]),
  state("two full slabs", [{ count: 8 }]),
  state("a full slab and one begun", [{ count: 5 }]),
  state("a partial slab on the node's list", [{ count: 8, freed: [0] }], [flush()]),
  state("a slab with one object on the list", [{ count: 8, freed: [0, 1, 2] }], [flush()]),
  state("an empty slab on the node's list", [{ count: 8, freed: [0, 1, 2, 3] }], [flush()]),
  state("three partial slabs on the list", [{ count: 12, freed: [0, 4, 8] }], [flush()]),
  state("partial slabs of one CPU", [{ count: 16, freed: [0, 4, 8] }]),
  state("one partial slab more than a CPU keeps", [{ count: 20, freed: [0, 4, 8, 12] }]),
  state(
    "three slabs nearly empty",
    [{ count: 12, freed: [0, 1, 2, 4, 5, 6, 8, 9, 10] }],
    [flush()],
  ),
  // More than any list keeps.
  state("many slabs freed", [{ count: 36, freed: Array.from({ length: 36 }, (_, i) => i) }]),
  state("two CPUs with their slabs used up", [{ count: 4 }, { count: 4, cpu: 1 }]),
  state("two CPUs with slabs half used", [{ count: 2 }, { count: 6, freed: [0], cpu: 1 }]),
];

/** On two nodes. */
const ACROSS: readonly State[] = [
  state("objects of the other node", [{ count: 6, node: 1 }]),
  // More than an alien cache of SLAB takes.
  state("many objects of the other node", [{ count: 14, node: 1 }]),
  state("partial slabs of two nodes", [
    { count: 5, freed: [0], node: 1 },
    { count: 5, freed: [0], node: 0 },
  ]),
  state("the nodes have each other's objects", [
    { count: 5, node: 1 },
    { count: 5, cpu: 1, node: 0 },
  ]),
];

/** Those of a machine. SLAB gets arrays that are soon full; CPU 2 holds something, too. */
export function statesOf({ allocator, cpus = 1, nodes = 1 }: HabitatMachine): readonly State[] {
  const elsewhere = cpus > 2 ? on(2, alloc("c", 5), free("c.0"), free("c.1")) : [];
  const queues = allocator === "slab" ? on(0, tune(3, 2, nodes > 1 ? 1 : 0)) : [];
  const states = nodes > 1 ? [...STATES, ...ACROSS] : STATES;
  return states.map((one) => ({ ...one, setup: [...queues, ...elsewhere, ...one.setup] }));
}
