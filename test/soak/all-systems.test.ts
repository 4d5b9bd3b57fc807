import { expect, test } from "vitest";
import { stress } from "../../stress/run.ts";
import { options, TORTURE } from "../stress/options.ts";

const MIB = 2 ** 20;

const KERNELS = [
  ["slub", "4.1"],
  ["slab", "4.1"],
  ["slub", "6.1"],
  ["slab", "6.1"],
  ["slub", "6.19"],
  ["slub", "7.1"],
] as const;

test.each(KERNELS)(
  "%s of %s stands groups, policies, reserves, hotplug and failures at once, and leaks nothing",
  async (allocator, kernel) => {
    const outcome = await stress(
      options({
        ...TORTURE,
        allocator,
        kernel,
        workload: "pressure",
        memory: 16 * MIB,
        operations: undefined,
        seconds: 60,
        groups: 3,
        policies: true,
        hotplug: 1,
        failSlab: 0.01,
        failPages: 0.01,
        leaks: true,
      }),
    );
    expect(outcome.failure?.message).toBeUndefined();
    expect(outcome.leaks).toEqual([]);
    expect(outcome.checks.allCameBack).toBe(true);
    const { groups, hotplug, injected, reserves, policyChanges } = outcome;
    const counts = { ...groups, ...hotplug, ...injected, ...reserves, policyChanges };
    expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
  },
);
