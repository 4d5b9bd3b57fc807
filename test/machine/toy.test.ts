import { expect, test } from "vitest";
import { newMachine, observe } from "./machines.ts";
import { onWorkers } from "./threads.ts";
import type { ToyVerdict } from "./workers/toy.ts";

const toy = new URL("./workers/toy.ts", import.meta.url);

/** Plays on real threads until a failure is found, at most `rounds` of 2,000 operations a task. */
async function play(job: string, cpus: number, tasks: number, rounds: number): Promise<ToyVerdict> {
  const { shared } = observe(newMachine({ cpus, tasks: tasks + 1 }));
  const jobs = Array.from({ length: tasks }, () => ({ job, argument: rounds }));
  const [verdict] = await onWorkers<ToyVerdict>(toy, shared, jobs);
  return verdict as ToyVerdict;
}

test.each([
  [1, 3],
  [2, 4],
])("the toy survives torture on %i CPUs shared by %i tasks", async (cpus, tasks) => {
  const { failure, rounds, injected } = await play("correct", cpus, tasks, 100);
  expect({ failure, rounds }).toEqual({ failure: "none", rounds: 100 });
  expect(Math.min(injected.interrupts, injected.preemptions, injected.delays)).toBeGreaterThan(0);
  if (cpus > 1) expect(injected.migrations).toBeGreaterThan(0);
});

test("S01: where the swap leaves tid out, an object is handed out twice", async () => {
  const { failure } = await play("withoutTid", 1, 3, 1_000);
  // Whichever shows first: the second holder, or what its free did to the lists.
  const shapes = [
    "double-allocation",
    "double-free",
    "lost-object",
    "list-corruption",
    "wrong-slab",
  ];
  expect(shapes).toContain(failure);
});

test("R01: where tid stays when the CPU drops its slab, an object is lost", async () => {
  const { failure } = await play("keepsTid", 1, 3, 1_000);
  expect(failure).toBe("lost-object");
});
