import { expect, test } from "vitest";
import { jobsOf, type Plan } from "../../src/museum/plan.ts";

const search = (schedules: number, strategy: "portfolio" | "pct" | "bound"): Plan => ({
  kind: "search",
  subject: { scenario: "two-cpus" },
  search: { schedules, strategy, seed: 7 },
  dataRaces: false,
});

const schedulesOf = (plan: Plan): number[] =>
  jobsOf(plan, 1).map((job) => (job.kind === "search" ? (job.search.schedules ?? 0) : 0));

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

test("a search of a number of schedules has the same jobs on any number of threads", () => {
  const plan = search(1_000_001, "portfolio");
  expect(jobsOf(plan, 1)).toEqual(jobsOf(plan, 64));
});

test("more schedules are more jobs, which sample; the bounds stay one job with a quarter", () => {
  expect(schedulesOf(search(4000, "portfolio"))).toEqual([1000, 1000, 1000, 1000]);
  const [bounds, ...samples] = schedulesOf(search(1_000_001, "portfolio"));
  expect(bounds).toBe(250_000);
  expect(samples).toHaveLength(31);
  expect(Math.max(...samples)).toBeLessThanOrEqual(25_000);
  expect(sum([250_000, ...samples])).toBe(1_000_001);
  expect(schedulesOf(search(1_000_000, "pct"))).toHaveLength(40);
  expect(schedulesOf(search(1_000_000, "bound"))).toEqual([1_000_000]);
});

test("no two jobs of a search sample with the same seed", () => {
  const seeds = jobsOf(search(1_000_000, "pct"), 1).map((job) =>
    job.kind === "search" ? job.search.seed : 0,
  );
  expect(new Set(seeds).size).toBe(seeds.length);
});
