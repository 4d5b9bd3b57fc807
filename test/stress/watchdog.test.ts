/** A CPU that runs in circles is found, named with what it was doing, and its thread ended. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadMutation } from "../../src/museum/mutations.ts";
import { stress } from "../../stress/run.ts";
import { options } from "./options.ts";

const file = fileURLToPath(new URL("./mutations/endless-slow-frees.ts", import.meta.url));
const everywhere = fileURLToPath(new URL("./mutations/nobody-frees-slowly.ts", import.meta.url));
/** Steps take microseconds; a thread that gets no core for so long has a busy machine to blame. */
const PATIENCE_MS = 5_000;

test.each(["slub", "slab"] as const)(
  "a stuck CPU of %s is a livelock, and the report says where",
  async (allocator) => {
    await loadMutation(file);
    // No shrinks, in which the other CPU would wait for this one.
    const workload = "larson";
    const wanted = options({
      allocator,
      workload,
      cpus: 2,
      nodes: 1,
      operations: undefined,
      seconds: 60,
    });
    const outcome = await stress({ ...wanted, mutation: file }, { patience: PATIENCE_MS });
    expect(outcome.failure).toMatchObject({ class: "livelock", task: 1 });
    expect(outcome.failure?.message).toMatch(
      /^CPU 1 \(task 1\) has not got on for \d+ s; it is doing (kfree|kmem_cache_free(_bulk)?)\(.+\), under way$/,
    );
    expect(outcome.failure?.lastOperations[1]?.operations.at(-1)).toMatchObject({ cpu: 1 });
    expect(outcome.interrupted).toBe(false);
  },
);

test("CPUs that get on are left alone, however long the run", async () => {
  const wanted = options({ cpus: 2, nodes: 1, operations: undefined, seconds: 7 });
  const outcome = await stress(wanted, { patience: PATIENCE_MS });
  expect([outcome.failure, outcome.died]).toEqual([undefined, undefined]);
});

test("CPUs that are stuck while all is given back are found as well, and all are ended", async () => {
  await loadMutation(everywhere);
  // This load frees nothing before memory is short.
  const wanted = options({ workload: "pressure", cpus: 2, nodes: 1, operations: 1_000 });
  const outcome = await stress({ ...wanted, mutation: everywhere }, { patience: PATIENCE_MS });
  expect(outcome.operations).toBeGreaterThanOrEqual(1_000);
  expect(outcome.failure).toMatchObject({ class: "livelock" });
});
