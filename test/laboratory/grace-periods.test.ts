import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { scenarioOf } from "../../src/laboratory/scenario.ts";
import { gracePeriods } from "../../src/laboratory/scenarios/rcu-readers.ts";

test("synchronize_rcu misses no end of the grace period before its own", () => {
  const search = { strategy: "bound", preemptions: 2 } as const;
  const { failure, complete } = explore({ ...scenarioOf(gracePeriods), search });
  expect(failure?.message).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});
