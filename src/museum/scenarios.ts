// SPDX-License-Identifier: GPL-2.0-only
/** All scenarios by name: those of the laboratory, then those that the bugs bring along. */
import type { SlabScenario } from "../laboratory/scenario.ts";
import { SCENARIOS } from "../laboratory/scenarios/index.ts";
import { EXHIBITS } from "./bugs/index.ts";

const ofBugs = EXHIBITS.flatMap(({ scenario, brokenScenario }) =>
  brokenScenario === null ? [scenario] : [scenario, brokenScenario],
);

export const scenarios: ReadonlyMap<string, SlabScenario> = new Map(
  [...SCENARIOS, ...ofBugs].map((scenario) => [scenario.name, scenario]),
);
