/** CPUs that go and come while every other one works, with failures on purpose. */
import { expect, test } from "vitest";
import type { StressOptions } from "../../stress/options.ts";
import { stress } from "../../stress/run.ts";
import { options } from "./options.ts";

const SYSTEMS: Partial<StressOptions>[] = [
  { allocator: "slub", debug: "FZPU", interrupts: 0.001 },
  { allocator: "slub", interrupts: 0.001, migrations: 0.0005 },
  { allocator: "slab", kernel: "4.1" },
  { allocator: "slab", kernel: "6.1" },
];

test.each(SYSTEMS)(
  "CPUs go and come back, allocations fail, and nothing is lost: %o",
  async (s) => {
    const outcome = await stress(
      options({
        ...s,
        seconds: 2,
        operations: undefined,
        hotplug: 0.25,
        failSlab: 0.01,
        failPages: 0.01,
      }),
    );
    expect(outcome.failure).toBeUndefined();
    expect(outcome.died).toBeUndefined();
    expect(outcome.hotplug.gone).toBeGreaterThan(0);
    expect(outcome.hotplug.back).toBe(outcome.hotplug.gone);
    expect(outcome.injected.slab).toBeGreaterThan(0);
    expect(outcome.checks.allCameBack).toBe(true);
  },
);
