/** Short measurements on real threads. */
import { expect } from "vitest";
import type { ScaleOptions } from "../../stress/scaling/plan.ts";
import { scale } from "../../stress/scaling/run.ts";

export const options: ScaleOptions = {
  ...{ allocators: undefined, workloads: undefined, sizes: undefined, cpus: undefined },
  ...{ quick: true, native: false, repeat: 1, seconds: 0.05, seed: 1, raised: false },
};

/** Objects of `allocator` go from thread to thread, to the end of a run. */
export async function expectPassing(allocator: string): Promise<void> {
  const outcome = await scale({
    ...options,
    allocators: [allocator],
    workloads: ["remote-free"],
    cpus: [2],
    sizes: [64],
  });
  // On a busy machine every window may be lost; that the threads ran to the end is the promise.
  const others = outcome.leftOut.filter(
    ({ why }) => why !== "every window was lost of remote-free 64",
  );
  expect(others).toEqual([]);
  expect(outcome.interrupted).toBe(false);
}
