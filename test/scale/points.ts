/** Points of a result, made up. */
import type { ScalePoint } from "../../stress/scaling/point.ts";
import type { ScaleOutcome } from "../../stress/scaling/run.ts";

export function point(given: Partial<ScalePoint>): ScalePoint {
  return {
    allocator: "slub",
    workload: "pairs",
    size: 64,
    cpus: 1,
    oversubscribed: false,
    nsPerOperation: { median: 10, p10: 9.9, p90: 10.1 },
    casPair: 10,
    ratio: 1,
    operationsPerSecond: 1e8,
    scaling: 1,
    windows: 100,
    discarded: 0,
    ...given,
  };
}

export function outcome(
  points: readonly ScalePoint[],
  more: Partial<ScaleOutcome> = {},
): ScaleOutcome {
  const base = { leftOut: [], discarded: 0, overloaded: false, seconds: 1, interrupted: false };
  return { points, ...base, ...more };
}

/** Enough for every picture. */
export function fullOutcome(more: Partial<ScaleOutcome> = {}): ScaleOutcome {
  const points = ["slub", "slab", "heap"].flatMap((allocator, i) => [
    ...[1, 2, 8].map((cpus) =>
      point({
        allocator,
        cpus,
        oversubscribed: cpus === 8,
        ratio: i + cpus,
        latencies: [80, 90, 200, 900, 5000],
      }),
    ),
    ...[8, 512, 8192].map((size) => point({ allocator, size, ratio: 1 + i + size / 100 })),
    ...[1, 2].map((cpus) => point({ allocator, cpus, workload: "larson", ratio: 2 * (i + 1) })),
    ...[1, 16, 250].map((n) =>
      point({ allocator, workload: `bulk-${n}`, size: 256, ratio: 1 / n + i }),
    ),
    point({
      allocator,
      workload: "one-allocates",
      cpus: 2,
      ratio: 3 + i,
      locks: [{ lock: "scale-64: list_lock, node 0", acquired: 10_000, contended: 700 }],
    }),
  ]);
  return outcome(points, more);
}
