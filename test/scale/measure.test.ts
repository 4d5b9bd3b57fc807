import { availableParallelism } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { measurePoint } from "../../stress/scaling/measure.ts";
import { planPoints } from "../../stress/scaling/plan.ts";
import type { PointPlan } from "../../stress/scaling/protocol.ts";
import { scale } from "../../stress/scaling/run.ts";
import { SUBJECTS, type SubjectInfo } from "../../stress/scaling/subjects/index.ts";
import { pairs } from "../../stress/scaling/workloads/pairs.ts";
import { expectPassing, options } from "./passing.ts";
import { CountingSubject, contextOf, controlOf } from "./player-contexts.ts";

const plan: PointPlan = {
  ...{ number: 0, workload: "pairs", size: 64, discards: true, windows: 8 },
  ...{ warmUp: 1, patience: 60_000, latencies: false },
};

function measure(changes: Partial<PointPlan>, switches: () => number) {
  const control = controlOf(1);
  const context = contextOf(new CountingSubject(), control);
  return measurePoint(pairs, context, control, { ...plan, ...changes }, switches);
}

test("a window in which the thread lost its core is thrown away, and counted", () => {
  let calls = 0;
  // Every window asks before and after; in every second window something has happened.
  const everySecond = (): number => Math.floor(++calls / 4);
  const point = measure({}, everySecond);
  expect(point.windows).toHaveLength(8);
  expect(point.discarded).toBeGreaterThanOrEqual(7);
  expect(point.casPairs).toHaveLength(8);
});

test("where CPUs outnumber cores every window counts", () => {
  let calls = 0;
  const point = measure({ discards: false }, () => ++calls);
  expect(point).toMatchObject({ discarded: 0 });
  expect(point.windows).toHaveLength(8);
});

test("a thread that always loses its core gives up when its patience ends", () => {
  let calls = 0;
  const point = measure({ patience: 20 }, () => ++calls);
  expect(point.windows).toHaveLength(0);
  expect(point.discarded).toBeGreaterThan(0);
  expect(point.rate).toBeGreaterThan(0);
});

test("latencies of single operations are measured where asked for", () => {
  expect(measure({}, () => 0).latencies).toBeUndefined();
  const { latencies } = measure({ latencies: true }, () => 0);
  expect(latencies?.count).toBe(20_000);
});

/** More CPUs than this machine has cores, or than it may have: no window is thrown away. */
const crowd = availableParallelism() + 1;

test("no point asks an allocator for what it cannot do", () => {
  const cpus = [1, 2, 3];
  const points = planPoints({ ...options, quick: false, cpus });
  const has = (allocator: string, workload: string, cpus: number) =>
    points.some((p) => p.allocator === allocator && p.workload === workload && p.cpus === cpus);
  expect(has("slub", "mstress", 1)).toBe(false);
  expect(has("slub-kmalloc", "mstress", 1)).toBe(true);
  expect(has("heap", "larson", 1)).toBe(true);
  expect(has("heap", "larson", 2)).toBe(false);
  expect(has("postmessage", "larson", 2)).toBe(true);
  expect(has("postmessage", "pairs", 2)).toBe(false);
  expect(has("slub", "one-allocates", 1)).toBe(false);
});

test("a subject that breaks down is named as failed, and the others keep their figures", async () => {
  // Known here and to no thread, so that its threads fail.
  const subjects = SUBJECTS as Map<string, SubjectInfo>;
  subjects.set("broken", { ...(subjects.get("slub") as SubjectInfo), name: "broken" });
  onTestFinished(() => void subjects.delete("broken"));
  const outcome = await scale({
    ...options,
    allocators: ["broken", "slub"],
    workloads: ["pairs"],
    cpus: [crowd],
    sizes: [64],
  });
  expect(outcome.leftOut).toEqual([
    { allocator: "broken", cpus: crowd, why: "failed: no subject broken", failed: true },
  ]);
  expect(outcome.points.map(({ allocator }) => allocator)).toEqual(["slub"]);
});

test("threads measure every workload under the ledger without a double free", async () => {
  const outcome = await scale({
    ...options,
    allocators: ["slub-ledger"],
    workloads: ["pairs", "remote-free", "one-allocates", "larson", "cache-scratch"],
    cpus: [crowd],
    sizes: [64],
  });
  expect(outcome.leftOut).toEqual([]);
  expect(outcome.points.map(({ workload }) => workload)).toEqual([
    ...["pairs", "remote-free", "one-allocates", "larson", "cache-scratch"],
  ]);
  for (const point of outcome.points) {
    expect(point.nsPerOperation.median).toBeGreaterThan(0);
    expect(point.ratio).toBeCloseTo(point.nsPerOperation.median / point.casPair);
  }
  const locks = outcome.points.flatMap(({ locks }) => locks ?? []);
  expect(locks.some(({ acquired }) => acquired > 0)).toBe(true);
});

/** `npm run test:soak` has all. */
test.each(["slab", "postmessage"])("%s passes objects between threads", expectPassing);

test("a point of which no window was left is named", async () => {
  const outcome = await scale({
    ...{ ...options, quick: false, seconds: 0 },
    ...{ allocators: ["slub"], workloads: ["pairs"], cpus: [1], sizes: [8, 64] },
  });
  const why = "every window was lost of pairs 8, pairs 64";
  expect(outcome.leftOut).toEqual([{ allocator: "slub", cpus: 1, why, failed: false }]);
});

test("an interrupted run ends with the points so far", async () => {
  const abort = new AbortController();
  abort.abort();
  const outcome = await scale(options, undefined, abort.signal);
  expect(outcome).toMatchObject({ points: [], interrupted: true });
});
