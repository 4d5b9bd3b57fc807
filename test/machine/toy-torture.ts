/** The toy allocator on real threads, under torture. */
import { expect } from "vitest";
import { newMachine, observe } from "./machines.ts";
import { onWorkers } from "./threads.ts";
import type { ToyVerdict } from "./workers/toy.ts";

const toy = new URL("./workers/toy.ts", import.meta.url);

/** Plays on real threads until a failure is found, at most `rounds` of 2,000 operations a task. */
export async function play(
  job: string,
  cpus: number,
  tasks: number,
  rounds: number,
): Promise<ToyVerdict> {
  const { shared } = observe(newMachine({ cpus, tasks: tasks + 1 }));
  const jobs = Array.from({ length: tasks }, () => ({ job, argument: rounds }));
  const [verdict] = await onWorkers<ToyVerdict>(toy, shared, jobs);
  return verdict as ToyVerdict;
}

export async function expectSurvival(cpus: number, tasks: number, wanted: number): Promise<void> {
  const { failure, rounds, injected } = await play("correct", cpus, tasks, wanted);
  expect({ failure, rounds }).toEqual({ failure: "none", rounds: wanted });
  expect(Math.min(injected.interrupts, injected.preemptions, injected.delays)).toBeGreaterThan(0);
  if (cpus > 1) expect(injected.migrations).toBeGreaterThan(0);
}
