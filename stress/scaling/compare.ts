// SPDX-License-Identifier: GPL-2.0-only
/**
 * Two results side by side. Ratios to the cas pair are compared, not nanoseconds, so that a faster
 * machine or a busy one does not look like a change of ours; a change counts only beyond the spread
 * of the windows of both.
 */
import { keyOf, type ScalePoint } from "./point.ts";

/**
 * A smaller difference is never called a change. Two quick runs of the same code differed by up to
 * 23 % in points whose windows agreed within 10 %, because code and memory lay elsewhere.
 */
const LEAST_NOISE = 0.25;

export interface Change {
  readonly allocator: string;
  readonly workload: string;
  readonly size: number;
  readonly cpus: number;
  readonly oldRatio: number;
  readonly newRatio: number;
  /** New to old: above 1 is slower. */
  readonly change: number;
  /** How far from 1 it would be by chance. */
  readonly noise: number;
  readonly verdict: "slower" | "faster" | "same";
}

export interface Comparison {
  readonly changes: readonly Change[];
  /** Points that only one of the two results has. */
  readonly unmatched: number;
  readonly slower: number;
}

/** Half the width of the middle 80 % of windows, to the median. */
function spread({ nsPerOperation: { median, p10, p90 } }: ScalePoint): number {
  return (p90 - p10) / 2 / median;
}

export function compare(before: readonly ScalePoint[], now: readonly ScalePoint[]): Comparison {
  const old = new Map(before.map((point) => [keyOf(point), point]));
  const changes = now.flatMap((point) => {
    const was = old.get(keyOf(point));
    return was === undefined ? [] : [changeOf(was, point)];
  });
  const unmatched = before.length + now.length - 2 * changes.length;
  return { changes, unmatched, slower: changes.filter(isSlower).length };
}

function changeOf(was: ScalePoint, point: ScalePoint): Change {
  const { allocator, workload, size, cpus } = point;
  const change = point.ratio / was.ratio;
  const noise = Math.max(LEAST_NOISE, Math.hypot(spread(was), spread(point)));
  const verdict = change > 1 + noise ? "slower" : change < 1 / (1 + noise) ? "faster" : "same";
  return {
    ...{ allocator, workload, size, cpus },
    ...{ oldRatio: was.ratio, newRatio: point.ratio, change, noise, verdict },
  };
}

function isSlower({ verdict }: Change): boolean {
  return verdict === "slower";
}
