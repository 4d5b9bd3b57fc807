import { test } from "vitest";
import { expectNothingLost, SYSTEMS } from "../stress/hotplug-systems.ts";

test.each(SYSTEMS)("CPUs go and come back for 20 s, and nothing is lost: %o", (system) =>
  expectNothingLost(system, 20, 0.25),
);
