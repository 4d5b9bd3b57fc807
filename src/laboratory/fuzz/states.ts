// SPDX-License-Identifier: GPL-2.0-only
/** The states from which generated programs start: what set-up does, and which objects it leaves. */
import { on, type SetupStep } from "../scenario.ts";
import { alloc, flush, free, tune } from "../steps.ts";
import type { HabitatMachine } from "./habitat.ts";

export interface State {
  readonly name: string;
  readonly setup: readonly SetupStep[];
  /** Numbers of the objects `a.0`, `a.1`, … that are still held. */
  readonly held: readonly number[];
}

/** `count` objects on CPU 0, of which some are freed again. */
function state(name: string, count: number, freed: readonly number[], flushes = false): State {
  const all = Array.from({ length: count }, (_, i) => i);
  return {
    name,
    setup: on(
      0,
      alloc("a", count),
      ...freed.map((i) => free(`a.${i}`)),
      ...(flushes ? [flush()] : []),
    ),
    held: all.filter((i) => !freed.includes(i)),
  };
}

/** A slab has four objects. */
const STATES: readonly State[] = [
  state("a slab that is used up", 4, []),
  state("a slab half used", 2, []),
  state("two full slabs", 8, []),
  state("a full slab and one begun", 5, []),
  state("a partial slab on the node's list", 8, [0], true),
  state("a slab with one object, on the node's list", 8, [0, 1, 2], true),
  state("an empty slab on the node's list", 8, [0, 1, 2, 3], true),
  state("three partial slabs on the node's list", 12, [0, 4, 8], true),
  state("partial slabs of one CPU", 16, [0, 4, 8]),
  state("three slabs nearly empty", 12, [0, 1, 2, 4, 5, 6, 8, 9, 10], true),
];

/** Those of a machine. SLAB gets arrays that are soon full; CPU 2 holds something, too. */
export function statesOf({ allocator, cpus = 1, nodes = 1 }: HabitatMachine): readonly State[] {
  const elsewhere = cpus > 2 ? on(2, alloc("c", 5), free("c.0"), free("c.1")) : [];
  const queues = allocator === "slab" ? on(0, tune(3, 2, nodes > 1 ? 1 : 0)) : [];
  return STATES.map((one) => ({ ...one, setup: [...queues, ...elsewhere, ...one.setup] }));
}
