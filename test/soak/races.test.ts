/** Data races of the scenarios that are too long for test/museum/races. */
import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { scenarioOf } from "../../src/laboratory/scenario.ts";
import { scenarios } from "../../src/museum/scenarios.ts";
import { LONG_RACES } from "../museum/long-races.ts";

test.each(LONG_RACES)("%s has no data race in any schedule of at most one preemption", (name) => {
  const scenario = scenarios.get(name);
  if (scenario === undefined) throw new RangeError(`no scenario ${name}`);
  const search = { strategy: "bound", preemptions: 1, seconds: 120 } as const;
  const { failure, complete } = explore({ ...scenarioOf(scenario), search, dataRaces: true });
  expect(failure?.message).toBeUndefined();
  expect(complete?.preemptions).toBe(1);
});
