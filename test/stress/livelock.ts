import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { loadMutation } from "../../src/museum/mutations.ts";
import { stress } from "../../stress/run.ts";
import { options } from "./options.ts";

const mutation = fileURLToPath(new URL("./mutations/endless-slow-frees.ts", import.meta.url));

/** CPU 1 never comes out of a slow free; `patience`: ms until it is called stuck. */
export async function expectStuckCpu(allocator: "slub" | "slab", patience: number): Promise<void> {
  await loadMutation(mutation);
  // No shrinks, in which the other CPU would wait for this one.
  const load = { allocator, workload: "larson", cpus: 2, nodes: 1 };
  const wanted = options({ ...load, operations: undefined, seconds: 60, mutation });
  const outcome = await stress(wanted, { patience });
  expect(outcome.failure).toMatchObject({ class: "livelock", task: 1 });
  expect(outcome.failure?.message).toMatch(
    /^CPU 1 \(task 1\) has made no progress for \d+ s; it is doing (kfree|kmem_cache_free(_bulk)?)\(.+\), under way; it runs in circles over .*mutations\/endless-slow-frees\.ts:\d+ "(while \(isStuck|circle\()/,
  );
  expect(outcome.failure?.lastOperations[1]?.operations.at(-1)).toMatchObject({ cpu: 1 });
  expect(outcome.failure?.stack).toMatch(
    /at (circle|free|flush) \(mutations\/endless-slow-frees\.ts:\d+\)/,
  );
  expect(outcome.interrupted).toBe(false);
}
