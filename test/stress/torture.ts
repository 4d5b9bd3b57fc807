import { expect } from "vitest";
import { stress } from "../../stress/run.ts";
import { options, TORTURE } from "./options.ts";

/** A workload under torture passes all checks and gives everything back. */
export async function expectAllBack(
  workload: string,
  cpus: number,
  operations: number,
): Promise<void> {
  const outcome = await stress(options({ workload, cpus, operations, ...TORTURE }));
  expect(outcome.failure).toBeUndefined();
  expect(outcome.died).toBeUndefined();
  expect(outcome.checks.allCameBack).toBe(true);
  expect(outcome.operations).toBeGreaterThanOrEqual(operations);
  // Preemption needs tasks that wait for a CPU.
  expect(outcome.tasks).toBe(cpus + 2);
  expect(outcome.injectedEvents.preemptions).toBeGreaterThan(0);
  expect(outcome.injectedEvents.interrupts).toBeGreaterThan(0);
}
