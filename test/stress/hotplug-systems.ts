/** CPUs that go and come while every other one works, with failures on purpose. */
import { expect } from "vitest";
import type { StressOptions } from "../../stress/options.ts";
import { stress } from "../../stress/run.ts";
import { options } from "./options.ts";

export const SYSTEMS: Partial<StressOptions>[] = [
  { allocator: "slub", debug: "FZPU", interrupts: 0.001 },
  { allocator: "slub", interrupts: 0.001, migrations: 0.0005 },
  { allocator: "slub", kernel: "6.19", interrupts: 0.001, migrations: 0.0005 },
  { allocator: "slub", kernel: "7.1", interrupts: 0.001, migrations: 0.0005 },
  { allocator: "slab", kernel: "4.1" },
  { allocator: "slab", kernel: "6.1" },
];

/** `hotplug`: seconds from one change to the next. */
export async function expectNothingLost(
  system: Partial<StressOptions>,
  seconds: number,
  hotplug: number,
): Promise<void> {
  const failures = { failSlab: 0.01, failPages: 0.01 };
  const outcome = await stress(
    options({ ...system, seconds, operations: undefined, hotplug, ...failures }),
  );
  expect(outcome.failure).toBeUndefined();
  expect(outcome.died).toBeUndefined();
  expect(outcome.hotplug.gone).toBeGreaterThan(0);
  expect(outcome.hotplug.back).toBe(outcome.hotplug.gone);
  expect(outcome.injected.slab).toBeGreaterThan(0);
  expect(outcome.checks.allCameBack).toBe(true);
}
