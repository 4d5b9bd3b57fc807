import { expect, test } from "vitest";
import { BadOptions, stress } from "../../stress/run.ts";
import { options } from "./options.ts";
import { expectAllBack } from "./torture.ts";

/** `npm run test:soak` has all of them. */
test.each(["mixed", "burst", "few", "tune"])(
  "workload %s under torture passes all checks and gives everything back",
  (workload) => expectAllBack(workload, 2, 4_000),
);

test("without torture each CPU has one task, and every CPU works", async () => {
  const outcome = await stress(options({ operations: 30_000 }));
  expect(outcome.tasks).toBe(4);
  expect(outcome.injectedEvents).toEqual({
    interrupts: 0,
    preemptions: 0,
    migrations: 0,
    delays: 0,
  });
  for (const { statistics } of outcome.perCpu) expect(statistics.alloc_fastpath).toBeGreaterThan(0);
});

test("the statistics of SLUB count each operation of the tasks once", async () => {
  const { stats, operations } = await stress(
    options({ workload: "pairs", cpus: 2, ledger: false }),
  );
  const counted =
    (stats.alloc_fastpath ?? 0) +
    (stats.alloc_slowpath ?? 0) +
    (stats.free_fastpath ?? 0) +
    (stats.free_slowpath ?? 0);
  expect(counted).toBe(operations);
});

test("statistics of SLAB survive tuning, which moves the counters", async () => {
  const wanted = options({ allocator: "slab", workload: "tune", cpus: 2, ledger: false });
  const { stats, operations } = await stress({ ...wanted, operations: 60_000 });
  const items = ["allochit", "allocmiss", "nodeallocs", "freehit", "freemiss", "remotefrees"];
  const counted = items.reduce((sum, item) => sum + (stats[item] ?? 0), 0);
  // Tunings are operations and no events, the arrays they make the reverse: a few in a thousand each.
  expect(counted).toBeGreaterThan(0.95 * operations);
  expect(counted).toBeLessThan(1.1 * operations);
});

test("allocations under memory pressure are refused, and the run passes", async () => {
  const little = { workload: "pressure", memory: 6 * 2 ** 20, operations: 60_000 };
  const outcome = await stress(options(little));
  expect(outcome.refused).toBeGreaterThan(0);
  expect(outcome.reserves.critical).toBeGreaterThan(0);
  expect(outcome.reserves.shrunk).toBeGreaterThan(0);
  expect(outcome.failure).toBeUndefined();
  expect(outcome.checks.allCameBack).toBe(true);
});

test("a thread that is killed is reported with its last operation, and the run ends", async () => {
  const abort = new AbortController();
  let killed = false;
  const { deaths } = await stress(options({ operations: undefined, seconds: 60 }), {
    signal: abort.signal,
    progress: ({ operations }, run) => {
      if (killed || operations === 0) return;
      killed = true;
      void run.kill(1).then(() => abort.abort());
    },
  });
  expect(deaths).toHaveLength(1);
  expect(deaths[0]).toMatchObject({ task: 1, doing: expect.stringMatching(/^\w+\(|^nothing$/) });
});

test.each([
  ["slub", "4.1"],
  ["slub", "7.1"],
  ["slab", "4.1"],
] as const)(
  "%s of %s stands policies and cpusets that change under load",
  async (allocator, kernel) => {
    const outcome = await stress(
      options({ allocator, kernel, cpus: 2, policies: true, workload: "numa", operations: 6_000 }),
    );
    expect(outcome.failure).toBeUndefined();
    expect(outcome.policyChanges).toBeGreaterThan(0);
    expect(outcome.checks.allCameBack).toBe(true);
  },
);

test("a run that looks for leaks finds the object that was forgotten, with its track", async () => {
  let lost = 0;
  const outcome = await stress(options({ cpus: 2, leaks: true, debug: "U", operations: 8_000 }), {
    progress: (_, run) => {
      if (lost === 0) lost = run.kernel.kmalloc(100);
    },
  });
  expect(outcome.leaks.map(({ object }) => object)).toEqual([lost]);
  expect(outcome.leaks[0]?.track?.stack.join()).toContain("run.test.ts");
  expect(outcome.checks.allCameBack).toBe(false);
});

test.each(["slub", "slab"] as const)("%s has no leaks by itself", async (allocator) => {
  const outcome = await stress(options({ allocator, cpus: 2, leaks: true, operations: 8_000 }));
  expect([outcome.failure, outcome.leaks]).toEqual([undefined, []]);
});

test.each([
  ["slub", "4.1"],
  ["slab", "6.1"],
  ["slub", "7.1"],
] as const)(
  "%s of %s stands memory groups that come and go under load",
  async (allocator, kernel) => {
    const outcome = await stress(
      options({ allocator, kernel, cpus: 2, groups: 6, operations: 6_000 }),
    );
    expect(outcome.failure).toBeUndefined();
    expect(outcome.groups.made).toBeGreaterThan(5);
    expect(outcome.groups.killed).toBeGreaterThan(0);
    expect(outcome.checks.allCameBack).toBe(true);
  },
);

test("a run that is interrupted gives everything back and says what it has done", async () => {
  const abort = new AbortController();
  const outcome = await stress(options({ cpus: 2, operations: undefined, seconds: 60 }), {
    signal: abort.signal,
    progress: ({ operations }) => operations > 0 && abort.abort(),
  });
  expect(outcome.interrupted).toBe(true);
  expect(outcome.operations).toBeGreaterThan(0);
  expect(outcome.checks.allCameBack).toBe(true);
});

test.each([
  [{ cpus: 0 }, /cpus must be/],
  [{ cpus: 65 }, /cpus must be/],
  [{ nodes: 9, cpus: 16 }, /nodes must be/],
  [{ memory: 2 ** 20 }, /memory must be/],
  [{ memory: 2 ** 31 }, /memory must be/],
])("stress refuses %o and says why", async (bad, reason) => {
  await expect(stress(options(bad))).rejects.toThrow(BadOptions);
  await expect(stress(options(bad))).rejects.toThrow(reason);
});
