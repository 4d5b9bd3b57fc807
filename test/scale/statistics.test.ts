import { createHistogram } from "node:perf_hooks";
import { expect, test } from "vitest";
import {
  median,
  middleOf,
  quantile,
  type ScalePoint,
  summarise,
  withScaling,
} from "../../stress/scaling/point.ts";
import type { CpuPoint } from "../../stress/scaling/protocol.ts";

const key = { allocator: "slub", workload: "pairs", size: 64, cpus: 1 };
const how = { sides: 1, oversubscribed: false };

function cpu(windows: number[], more: Partial<CpuPoint> = {}): CpuPoint {
  const casPairs = windows.map(() => 20);
  return { windows, casPairs, discarded: 0, rate: 1e9 / 10, latencies: undefined, ...more };
}

test("a quantile lies between its neighbours, and of nothing is not a number", () => {
  expect(quantile([4, 1, 3, 2, 5], 0.5)).toBe(3);
  expect(quantile([1, 2], 0.75)).toBe(1.75);
  expect(median([])).toBeNaN();
});

test("one slow window does not move the cost", () => {
  const point = summarise(key, [cpu([10, 10, 10, 500, 10])], how);
  expect(point).toMatchObject({ nsPerOperation: { median: 10 }, casPair: 20, ratio: 0.5 });
});

test("the cost of two CPUs is what one operation takes of a CPU's time", () => {
  const point = summarise({ ...key, cpus: 2 }, [cpu([10]), cpu([30])], how);
  // One does 100, the other 33 operations in 1,000 ns: 2,000 ns of CPU time for 133 operations.
  expect(point?.nsPerOperation.median).toBeCloseTo(15);
});

test("where two CPUs share an operation, both sides of it are paid for", () => {
  const point = summarise({ ...key, cpus: 2 }, [cpu([10]), cpu([10])], { ...how, sides: 2 });
  expect(point?.nsPerOperation.median).toBeCloseTo(20);
  expect(point?.operationsPerSecond).toBeCloseTo(1e8);
});

test("a point without one whole window is no point", () => {
  expect(summarise(key, [cpu([], { discarded: 7 })], how)).toBeUndefined();
});

test("a CPU without a whole window is taken to be like the others", () => {
  const point = summarise({ ...key, cpus: 2 }, [cpu([10]), cpu([], { discarded: 3 })], how);
  expect(point).toMatchObject({ nsPerOperation: { median: 10 }, discarded: 3 });
});

test("latencies of all CPUs are one distribution", () => {
  const [fast, slow] = [createHistogram(), createHistogram()];
  for (let i = 0; i < 100; i++) fast.record(100);
  for (let i = 0; i < 100; i++) slow.record(1000);
  const cpus = [cpu([1], { latencies: fast }), cpu([1], { latencies: slow })];
  const [p50, p90] = summarise(key, cpus, how)?.latencies ?? [];
  expect(p50).toBeLessThanOrEqual(101);
  expect(p90).toBeGreaterThanOrEqual(1000);
});

const one = summarise(key, [cpu([10])], how) as ScalePoint;
const twice = (ns: number, more: Partial<ScalePoint> = {}): ScalePoint => ({
  ...one,
  cpus: 2,
  nsPerOperation: { median: ns, p10: ns, p90: ns },
  ...more,
});

test("two CPUs that cost no more each scale by two; the share of another load does not show", () => {
  const [, scaled] = withScaling([one, twice(10, { operationsPerSecond: 1 })]);
  expect(scaled?.scaling).toBe(2);
});

test("more CPUs than cores are compared by the clock on the wall", () => {
  const crowd = twice(10, { oversubscribed: true, operationsPerSecond: 1.5e8 });
  expect(withScaling([one, crowd])[1]?.scaling).toBeCloseTo(1.5);
});

test("a point whose single CPU is missing has no scaling", () => {
  expect(withScaling([twice(10)])[0]?.scaling).toBe(0);
});

test("of several runs the middle one stands, with the windows of all", () => {
  const runs = [3, 1, 2].map((ratio) => ({ ...one, ratio, windows: 5, discarded: 1 }));
  expect(middleOf(runs)).toMatchObject({ ratio: 2, windows: 15, discarded: 3 });
});

test("a point that lost many windows has no scaling: its CPUs may never have run together", () => {
  const scalings = (discarded: number) =>
    withScaling([one, { ...twice(10), discarded }])[1]?.scaling;
  expect(scalings(0)).toBeCloseTo(2);
  expect(scalings(2 * twice(10).windows)).toBe(0);
});
