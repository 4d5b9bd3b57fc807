// SPDX-License-Identifier: GPL-2.0-only
/**
 * The performance targets. Each is a ratio that one run can measure: to the cas pair, or of two
 * points of the run. `npm run bench` prints the table.
 */

import { BULK_SIZE, USUAL_SIZE } from "./plan.ts";
import { keyOf, type ScalePoint } from "./point.ts";

export interface Target {
  readonly what: string;
  /** In words of `unit`. */
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly unit: string;
  /** Undefined where the run lacks a point. */
  readonly measure: (of: PointLookup) => number | undefined;
}

export interface TargetRow extends Omit<Target, "measure"> {
  readonly measured: number | undefined;
  /** Undefined where it cannot be told. */
  readonly met: boolean | undefined;
}

type PointLookup = (
  allocator: string,
  workload: string,
  cpus: number,
  size?: number,
) => ScalePoint | undefined;

const CAS = "of the cas pair";

function ratio(allocator: string, workload: string, cpus = 1, size = USUAL_SIZE) {
  return (of: PointLookup) => of(allocator, workload, cpus, size)?.ratio;
}

/** The cost of `a` above that of `b`, in cas pairs. */
function beyond(a: Target["measure"], b: Target["measure"]): Target["measure"] {
  return combine(a, b, (a, b) => a - b);
}

function combine(
  a: Target["measure"],
  b: Target["measure"],
  how: (a: number, b: number) => number,
): Target["measure"] {
  return (of) => {
    const left = a(of);
    const right = b(of);
    return left === undefined || right === undefined ? undefined : how(left, right);
  };
}

function throughput(allocator: string, workload: string, cpus: number): Target["measure"] {
  return (of) => of(allocator, workload, cpus)?.operationsPerSecond;
}

/** What of one CPU, 64 bytes, costs at most how many cas pairs: by allocator, the kernel's name for it first. */
const ONE_CPU: readonly (readonly [string, string, Readonly<Record<string, number>>])[] = [
  ["SLUB", "slub", { pairs: 0.35, fifo: 1, random: 1.1, larson: 2 }],
  ["SLAB", "slab", { pairs: 0.25, fifo: 1.2, random: 1.2, larson: 0.4 }],
  ["SLUB of 7.1", "sheaves", { pairs: 0.3, fifo: 0.6, random: 0.8, larson: 0.6 }],
  ["SLUB, kmalloc", "slub-kmalloc", { pairs: 0.45 }],
  ["SLAB, kmalloc", "slab-kmalloc", { pairs: 0.35 }],
];

const BULK = [
  ["SLUB", "slub", 0.3],
  ["SLAB", "slab", 0.35],
] as const;

const WORDS: Readonly<Record<string, string>> = {
  pairs: "an allocation and a free",
  fifo: "10,000 allocations, then frees in order",
  random: "the same, frees in random order",
  larson: "one of 1,000 objects replaced",
};

export const TARGETS: readonly Target[] = [
  ...ONE_CPU.flatMap(([name, allocator, costs]) =>
    Object.entries(costs).map(([workload, atMost]) => ({
      what: `${name}: ${WORDS[workload]}`,
      atMost,
      unit: CAS,
      measure: ratio(allocator, workload),
    })),
  ),
  ...BULK.map(([name, allocator, atMost]) => ({
    what: `${name}: bulk of 16, an object`,
    atMost,
    unit: CAS,
    measure: ratio(allocator, "bulk-16", 1, BULK_SIZE),
  })),
  {
    what: "SLUB: two CPUs, each its own pairs",
    atMost: 1.05,
    unit: "of one CPU's cost",
    measure: combine(ratio("slub", "pairs", 2), ratio("slub", "pairs"), (two, one) => two / one),
  },
  {
    what: "SLUB: one CPU allocates, another frees, beyond the passing on",
    atMost: 1.5,
    unit: CAS,
    measure: beyond(ratio("slub", "one-allocates", 2), ratio("nothing", "one-allocates", 2)),
  },
  { what: "SLUB: larson, two CPUs", atMost: 1.2, unit: CAS, measure: ratio("slub", "larson", 2) },
  {
    what: "SLUB: 8 CPUs on 2 cores",
    atLeast: 0.9,
    unit: "of two CPUs' throughput",
    measure: combine(
      throughput("slub", "pairs", 8),
      throughput("slub", "pairs", 2),
      (a, b) => a / b,
    ),
  },
  {
    what: "the ledger",
    atMost: 2.5,
    unit: "times the cost of SLUB's pair",
    measure: combine(ratio("slub-ledger", "pairs"), ratio("slub", "pairs"), (a, b) => a / b),
  },
  {
    what: "statistics, of SLUB's pair",
    atMost: 0.2,
    unit: CAS,
    measure: beyond(ratio("slub", "pairs"), ratio("slub-no-statistics", "pairs")),
  },
];

export function targetRows(points: readonly ScalePoint[]): TargetRow[] {
  const known = new Map(points.map((point) => [keyOf(point), point]));
  const of: PointLookup = (allocator, workload, cpus, size = USUAL_SIZE) =>
    known.get(keyOf({ allocator, workload, cpus, size }));
  return TARGETS.map(({ measure, ...target }) => {
    const measured = measure(of);
    return {
      ...target,
      measured,
      met: measured === undefined ? undefined : isMet(target, measured),
    };
  });
}

/**
 * A difference far below 0 is no success: the two costs that it was taken of were too uncertain.
 */
function isMet(
  { atMost = Infinity, atLeast = -Infinity }: Partial<Target>,
  value: number,
): boolean | undefined {
  if (value < -atMost) return undefined;
  return value <= atMost && value >= atLeast;
}
