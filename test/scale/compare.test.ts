import { expect, test } from "vitest";
import { compare } from "../../stress/scaling/compare.ts";
import { targetRows } from "../../stress/scaling/targets.ts";
import { point } from "./points.ts";

test("a point that is slower beyond the noise of both is called slower", () => {
  const { changes, slower } = compare([point({ ratio: 1 })], [point({ ratio: 1.5 })]);
  expect(slower).toBe(1);
  expect(changes[0]).toMatchObject({ change: 1.5, verdict: "slower", oldRatio: 1, newRatio: 1.5 });
});

test("a change within the noise of both results is no change", () => {
  const noisy = { nsPerOperation: { median: 10, p10: 5, p90: 17 } };
  const result = compare([point({ ratio: 1, ...noisy })], [point({ ratio: 1.5, ...noisy })]);
  expect(result.slower).toBe(0);
  expect(result.changes[0]?.verdict).toBe("same");
});

test("a difference that two runs of the same code may have is no change", () => {
  const calm = { nsPerOperation: { median: 10, p10: 9.9, p90: 10.1 } };
  const changeTo = (ratio: number) =>
    compare([point({ ratio: 1, ...calm })], [point({ ratio, ...calm })]).slower;
  expect(changeTo(1.23)).toBe(0);
  expect(changeTo(1.27)).toBe(1);
});

test("a faster point is no complaint", () => {
  const result = compare([point({ ratio: 2 })], [point({ ratio: 1 })]);
  expect(result).toMatchObject({ slower: 0, changes: [{ verdict: "faster" }] });
});

test("a faster machine is no change: ratios are compared, not nanoseconds", () => {
  const slowMachine = { nsPerOperation: { median: 40, p10: 39, p90: 41 }, casPair: 40 };
  expect(compare([point(slowMachine)], [point({})]).changes[0]?.verdict).toBe("same");
});

test("points that only one result has are counted, not compared", () => {
  const result = compare([point({}), point({ cpus: 2 })], [point({}), point({ size: 8 })]);
  expect(result).toMatchObject({ unmatched: 2 });
  expect(result.changes).toHaveLength(1);
});

test("a target is met, missed, or without its points unknown", () => {
  const rowOf = (ratio: number) => targetRows([point({ ratio })])[0];
  expect(rowOf(0.3)).toMatchObject({ measured: 0.3, met: true });
  expect(rowOf(0.4)).toMatchObject({ measured: 0.4, met: false });
  expect(targetRows([]).every(({ met }) => met === undefined)).toBe(true);
});

test("a difference far below 0 meets no target", () => {
  const row = (ofSlub: number) =>
    targetRows([
      point({ workload: "one-allocates", cpus: 2, ratio: ofSlub }),
      point({ allocator: "nothing", workload: "one-allocates", cpus: 2, ratio: 5 }),
    ]).find(({ what }) => what.includes("another frees"));
  expect([6, 4, 7, 3].map((ratio) => row(ratio)?.met)).toEqual([true, true, false, undefined]);
});

test("a crowd that loses throughput misses its target", () => {
  const crowd = (rate: number) => [
    point({ cpus: 2, operationsPerSecond: 100 }),
    point({ cpus: 8, operationsPerSecond: rate, oversubscribed: true }),
  ];
  const row = (rate: number) =>
    targetRows(crowd(rate)).find(({ atLeast }) => atLeast !== undefined);
  expect(row(95)?.met).toBe(true);
  expect(row(80)?.met).toBe(false);
});
