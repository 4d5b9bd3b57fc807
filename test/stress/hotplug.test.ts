import { test } from "vitest";
import { expectNothingLost, SYSTEMS } from "./hotplug-systems.ts";

test.each(SYSTEMS)("CPUs go and come back, allocations fail, and nothing is lost: %o", (system) =>
  expectNothingLost(system, 0.5, 0.05),
);
