// SPDX-License-Identifier: GPL-2.0-only
/**
 * A measurement: all points of a plan, one subject and number of CPUs after the other. Never two
 * at once.
 */
import { availableParallelism } from "node:os";
import { Measurement } from "./measurement.ts";
import { NativePeers, NotHere, nativePoints } from "./native/native.ts";
import { planPoints, type ScaleOptions } from "./plan.ts";
import {
  keyOf,
  middleOf,
  OVERLOADED,
  type PointKey,
  type ScalePoint,
  summarise,
  withScaling,
} from "./point.ts";
import { SUBJECTS, type SubjectInfo } from "./subjects/index.ts";
import type { Workload } from "./workload.ts";
import { SCALE_WORKLOADS } from "./workloads/index.ts";

export interface ScaleProgress {
  readonly done: number;
  readonly of: number;
  readonly point: PointKey;
  readonly secondsLeft: number;
}

export interface LeftOut {
  readonly allocator: string;
  /** Absent: on any number of CPUs. */
  readonly cpus?: number;
  readonly why: string;
  /** It broke down, rather than that it is not there or time ran out. */
  readonly failed: boolean;
}

export interface ScaleOutcome {
  readonly points: readonly ScalePoint[];
  /** The points that could not be measured, and why. */
  readonly leftOut: readonly LeftOut[];
  /** Share of windows thrown away because a thread lost its core. */
  readonly discarded: number;
  /** So many were, that the figures mean little. */
  readonly overloaded: boolean;
  readonly seconds: number;
  readonly interrupted: boolean;
}

/** The limits of a point in a full run and in a quick one: windows, and ms. */
const THOROUGH = { windows: 150, warmUp: 1500 };
const HASTY = { windows: 60, warmUp: 300, patience: 200 };
/** A quick run begins nothing new after so long; on a busy machine it then has fewer points. */
const QUICK_LIMIT_MS = 45_000;

/** A measurement that is under way. */
interface Run {
  readonly options: ScaleOptions;
  /** Told before each point. */
  readonly progress: (point: PointKey) => void;
  /** Whether nothing new is to be begun. */
  readonly ends: () => boolean;
  /** By key, a point for each repetition. */
  readonly points: Map<string, ScalePoint[]>;
}

/** Measures. `signal` ends it early, with the points so far. */
export async function scale(
  options: ScaleOptions,
  onProgress: (progress: ScaleProgress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<ScaleOutcome> {
  const started = performance.now();
  const ours = planPoints(options);
  const natives = options.native ? nativePoints(ours) : [];
  const keys = [...ours, ...natives];
  const leftOut: LeftOut[] = [];
  const total = keys.length * options.repeat;
  let done = 0;
  const progress = (point: PointKey): void => {
    const each = (performance.now() - started) / 1000 / Math.max(1, done);
    onProgress({ done, of: total, point, secondsLeft: each * (total - done) });
    done++;
  };
  const limit = options.quick ? QUICK_LIMIT_MS * options.repeat : Number.POSITIVE_INFINITY;
  const ends = (): boolean => signal?.aborted === true || performance.now() - started > limit;
  const run: Run = { options, progress, ends, points: new Map() };
  for (let turn = 0; turn < options.repeat; turn++) {
    for (const group of groupsOf(ours)) {
      if (signal?.aborted) break;
      const missing = await measureGroup(group, run);
      if (missing !== undefined && (missing.failed || turn === 0)) leftOut.push(missing);
    }
    const missing = await measureNatives(natives, run);
    if (turn === 0) leftOut.push(...missing);
  }
  const points = withScaling([...run.points.values()].map(middleOf));
  const discarded = shareDiscarded(points);
  return {
    points,
    leftOut,
    discarded,
    overloaded: discarded > OVERLOADED,
    seconds: (performance.now() - started) / 1000,
    interrupted: signal?.aborted ?? false,
  };
}

/** Points of one subject on as many CPUs are measured in a row, by the same threads. */
function groupsOf(keys: readonly PointKey[]): PointKey[][] {
  const groups = Map.groupBy(keys, ({ allocator, cpus }) => `${allocator} ${cpus}`);
  return [...groups.values()];
}

const OUT_OF_TIME = "time ran out before all of its points";

/** Says why, where something is missing. */
async function measureGroup(group: readonly PointKey[], run: Run): Promise<LeftOut | undefined> {
  const { options, progress, ends } = run;
  const [{ allocator, cpus }] = group as [PointKey];
  const left = (why: string, failed = false): LeftOut => ({ allocator, cpus, why, failed });
  if (ends()) return left(OUT_OF_TIME);
  const subject = SUBJECTS.get(allocator) as SubjectInfo;
  const sizes = [...new Set(group.map(({ size }) => size))].filter((size) => size > 0);
  const oversubscribed = isOversubscribed(cpus);
  const lost: string[] = [];
  let measurement: Measurement | undefined;
  try {
    measurement = await Measurement.open(subject, cpus, sizes, options);
    measurement.locks();
    for (const key of group) {
      if (ends()) return left(OUT_OF_TIME);
      progress(key);
      const workload = SCALE_WORKLOADS.get(key.workload) as Workload;
      const { workload: name, size } = key;
      const seen = await measurement.measure({ workload: name, size, ...limitsOf(options, cpus) });
      const point = summarise(key, seen, { sides: workload.sides, oversubscribed });
      const locks = measurement.locks();
      if (point === undefined) {
        lost.push(key.size === 0 ? key.workload : `${key.workload} ${key.size}`);
        continue;
      }
      keep(run, key, locks.length > 0 ? { ...point, locks } : point);
    }
    return lost.length === 0 ? undefined : left(`every window was lost of ${lost.join(", ")}`);
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    const isMissing = code === "ERR_MODULE_NOT_FOUND" && subject.needs !== undefined;
    // Earlier points are kept, and the later ones are measured.
    return isMissing ? left(`${subject.needs} is not installed`) : left(`failed: ${message}`, true);
  } finally {
    await measurement?.close();
  }
}

/** Native allocators: each point is a process of its own. Says which are not on this machine. */
async function measureNatives(keys: readonly PointKey[], run: Run): Promise<LeftOut[]> {
  if (keys.length === 0) return [];
  const leftOut = new Map<string, LeftOut>();
  const leave = (allocator: string, why: string): unknown =>
    leftOut.set(allocator, { allocator, why, failed: false });
  let peers: NativePeers | undefined;
  try {
    peers = await NativePeers.compile();
    for (const key of keys) {
      if (leftOut.has(key.allocator)) continue;
      if (run.ends()) {
        leave(key.allocator, OUT_OF_TIME);
        continue;
      }
      run.progress(key);
      await measureNative(peers, key, run).catch((error) => {
        if (!(error instanceof NotHere)) throw error;
        leave(key.allocator, error.message);
      });
    }
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    leave("native allocators", error.message);
  } finally {
    peers?.close();
  }
  return [...leftOut.values()];
}

async function measureNative(peers: NativePeers, key: PointKey, run: Run): Promise<void> {
  const { options } = run;
  const seen = await peers.measure(key, limitsOf(options, key.cpus), options.seed);
  const { sides } = SCALE_WORKLOADS.get(key.workload) as Workload;
  const point = summarise(key, seen, { sides, oversubscribed: isOversubscribed(key.cpus) });
  if (point !== undefined) keep(run, key, point);
}

function keep({ points }: Run, key: PointKey, point: ScalePoint): void {
  const name = keyOf(key);
  points.set(name, [...(points.get(name) ?? []), point]);
}

function isOversubscribed(cpus: number): boolean {
  return cpus > availableParallelism();
}

/** How long a point on so many CPUs is measured. */
function limitsOf({ quick, seconds }: ScaleOptions, cpus: number) {
  const limits = quick ? HASTY : { ...THOROUGH, patience: 1000 * seconds };
  return { ...limits, discards: !isOversubscribed(cpus), latencies: !quick };
}

function shareDiscarded(points: readonly ScalePoint[]): number {
  const counted = points.filter(({ oversubscribed }) => !oversubscribed);
  const windows = counted.reduce((sum, point) => sum + point.windows, 0);
  const discarded = counted.reduce((sum, point) => sum + point.discarded, 0);
  return windows + discarded === 0 ? 0 : discarded / (windows + discarded);
}
