// SPDX-License-Identifier: GPL-2.0-only
/** A point of the result, and how the CPUs' windows make it. */
import type { RecordableHistogram } from "node:perf_hooks";
import type { LockUsage } from "../usage.ts";
import type { CpuPoint } from "./protocol.ts";

export interface Spread {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

export const PERCENTILES = [50, 90, 99, 99.9, 99.99] as const;

export interface ScalePoint {
  readonly allocator: string;
  readonly workload: string;
  /** Bytes; 0: of mixed sizes. */
  readonly size: number;
  readonly cpus: number;
  /** More simulated CPUs than cores: a measurement of its own, preemption included. */
  readonly oversubscribed: boolean;
  /** CPU time of one operation: an object allocated and freed, on whichever CPUs. */
  readonly nsPerOperation: Spread;
  /** The cas pair of the same moments, ns. */
  readonly casPair: number;
  /** nsPerOperation to casPair. */
  readonly ratio: number;
  /** Of all CPUs together, by wall-clock time, other load included. */
  readonly operationsPerSecond: number;
  /** operationsPerSecond to that of one CPU, without preemption where CPUs have cores; 0: unknown. */
  readonly scaling: number;
  /** Windows that count, and those thrown away because a thread lost its core. */
  readonly windows: number;
  readonly discarded: number;
  /** ns of single operations at PERCENTILES, some 50 ns of clock included. */
  readonly latencies?: readonly number[];
  /** Of ours: the locks that were taken, with warming up. */
  readonly locks?: readonly LockUsage[];
}

/** A larger share of lost windows means that other programs use the cores. */
export const OVERLOADED = 0.25;

/** Windows of its CPUs that count need not have been at the same time, so nothing is known of them together. */
export function isDisturbed({ windows, discarded }: ScalePoint): boolean {
  return discarded > OVERLOADED * (windows + discarded);
}

export type PointKey = Pick<ScalePoint, "allocator" | "workload" | "size" | "cpus">;

export function keyOf({ allocator, workload, size, cpus }: PointKey): string {
  return `${allocator} ${workload} ${size} ${cpus}`;
}

/** The value below which the share `q` lies; of nothing, NaN. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Puts the CPUs' windows together. A CPU's rate is that of its median window; all rates together
 * give the cost of an operation; the spread is that of the windows around their own CPU's median.
 * Undefined where not one window of any CPU was whole.
 */
export function summarise(
  key: PointKey,
  cpus: readonly CpuPoint[],
  how: { readonly sides: number; readonly oversubscribed: boolean },
): ScalePoint | undefined {
  const working = cpus.filter(({ windows }) => windows.length > 0);
  if (working.length === 0) return undefined;
  const medians = working.map(({ windows }) => median(windows));
  // A CPU without a whole window is taken to be like the others.
  const rate = medians.reduce((sum, ns) => sum + 1 / ns, 0) / (how.sides * medians.length);
  const ns = 1 / rate;
  const relative = working.flatMap(({ windows }, i) =>
    windows.map((window) => window / (medians[i] as number)),
  );
  const casPair = median(working.flatMap(({ casPairs }) => casPairs));
  const wall = cpus.reduce((sum, cpu) => sum + cpu.rate, 0) / how.sides;
  const latencies = mergeLatencies(cpus);
  return {
    ...key,
    oversubscribed: how.oversubscribed,
    nsPerOperation: {
      median: ns,
      p10: ns * quantile(relative, 0.1),
      p90: ns * quantile(relative, 0.9),
    },
    casPair,
    ratio: ns / casPair,
    operationsPerSecond: wall,
    scaling: 0,
    windows: relative.length,
    discarded: cpus.reduce((sum, { discarded }) => sum + discarded, 0),
    ...(latencies === undefined ? {} : { latencies }),
  };
}

function mergeLatencies(cpus: readonly CpuPoint[]): number[] | undefined {
  const [first, ...others] = cpus.flatMap(({ latencies }) => latencies ?? []);
  if (first === undefined) return undefined;
  for (const other of others) first.add(other as RecordableHistogram);
  return PERCENTILES.map((p) => first.percentile(p));
}

/**
 * Compares each point with the same on one CPU: by undisturbed cost where every CPU has a core,
 * else by wall-clock time, in which waiting for a core counts.
 */
export function withScaling(points: readonly ScalePoint[]): ScalePoint[] {
  const ofOne = new Map(
    points.filter(({ cpus }) => cpus === 1).map((point) => [keyOf(point), point]),
  );
  return points.map((point) => {
    const one = ofOne.get(keyOf({ ...point, cpus: 1 }));
    if (one === undefined || isDisturbed(one) || isDisturbed(point)) return point;
    const scaling = point.oversubscribed
      ? point.operationsPerSecond / one.operationsPerSecond
      : (point.cpus * one.nsPerOperation.median) / point.nsPerOperation.median;
    return { ...point, scaling };
  });
}

/** Of several runs of the same points: the one in the middle, with the windows of all counted. */
export function middleOf(runs: readonly ScalePoint[]): ScalePoint {
  const sorted = runs.toSorted((a, b) => a.ratio - b.ratio);
  const middle = sorted[(sorted.length - 1) >> 1] as ScalePoint;
  const sum = (of: (point: ScalePoint) => number) =>
    runs.reduce((total, run) => total + of(run), 0);
  return {
    ...middle,
    // Other load can only take throughput away.
    operationsPerSecond: Math.max(...runs.map((run) => run.operationsPerSecond)),
    windows: sum(({ windows }) => windows),
    discarded: sum(({ discarded }) => discarded),
  };
}
