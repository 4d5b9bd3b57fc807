// SPDX-License-Identifier: GPL-2.0-only
/** What an explored machine prints in one schedule (`--dmesg`). */
import type { Scenario } from "../explore/program.ts";
import { replay } from "../explore/replay.ts";
import { withConsole } from "../laboratory/console.ts";
import type { Laboratory } from "../laboratory/laboratory.ts";
import type { Bound } from "../laboratory/steps.ts";

/** Runs the schedule of a token again and listens. */
export function saidIn(
  scenario: Scenario<Laboratory, Bound>,
  token: string,
  dataRaces = false,
): string[] {
  const said: string[] = [];
  replay(
    withConsole(scenario, (line) => said.push(line)),
    token,
    { dataRaces },
  );
  return said;
}
