/** A worker is ended at a random moment; npm run test:soak has 200 of each. */
import { expect, test } from "vitest";
import { expectHealing } from "./deaths.ts";
import { Pool } from "./pool.ts";

test.each([
  ["slub", "pairs"],
  ["slub", "caches"],
  ["slub with sheaves", "holding"],
  ["slab", "holding"],
  ["slab", "rcu"],
] as const)("a pool of %s survives a user that is ended at %s", async (form, workload) => {
  const endings = await expectHealing(2, form, workload);
  expect(Object.values(endings).reduce((a, b) => a + b)).toBe(2);
});

test("a pool outlives more users than it has CPUs and task numbers, and nobody buries them", async () => {
  const pool = new Pool({ cpus: 1, tasks: 3 });
  for (let i = 0; i < 8; i++) {
    // Holding objects between two calls, not a CPU: outside of its data.
    const user = await pool.hire("idle");
    await user.kill();
    pool.kernel.kfree(pool.kernel.kmalloc(64));
  }
  const last = await pool.hire("pairs");
  pool.stopAll();
  expect((await last.answer)?.error).toBeUndefined();
});

test("sixteen threads on two CPUs take turns outside of sections, with intact objects", async () => {
  const pool = new Pool({ cpus: 2 });
  const users = await Promise.all(Array.from({ length: 16 }, () => pool.hire("holding")));
  // Once each has begun; the main thread, the seventeenth, waits for its turn, too.
  for (let i = 0; i < 40; i++) pool.kernel.kfree(pool.kernel.kmalloc(100));
  pool.stopAll();
  const answers = await Promise.all(users.map(({ answer }) => answer));
  expect(answers.map((answer) => answer?.error)).toEqual(Array(16).fill(undefined));
  for (const answer of answers) expect(answer?.rounds).toBeGreaterThan(0);
});
