import { expect, test } from "vitest";
import { stress } from "../../stress/run.ts";
import { expectStuckCpu } from "../stress/livelock.ts";
import { options } from "../stress/options.ts";

/** Steps take microseconds; a thread that gets no core for so long has a busy machine to blame. */
const PATIENCE_MS = 5_000;

test.each(["slub", "slab"] as const)(
  "a stuck CPU of %s is a livelock, and the report says where",
  (allocator) => expectStuckCpu(allocator, PATIENCE_MS),
);

test("CPUs that make steps are left alone for a minute", async () => {
  const wanted = options({ cpus: 2, nodes: 1, operations: undefined, seconds: 60 });
  const outcome = await stress(wanted, { patience: PATIENCE_MS });
  expect([outcome.failure, outcome.died]).toEqual([undefined, undefined]);
});
