// SPDX-License-Identifier: GPL-2.0-only
/** `slablab replay`: runs one schedule again, with names and values, as a timeline. */
import { Command } from "commander";
import { type Replayed, replay } from "../explore/replay.ts";
import type { TimelineEvent } from "../explore/timeline.ts";
import { parseToken } from "../explore/token.ts";
import { snapshotOf } from "../laboratory/snapshot.ts";
import { quoted } from "../machine/quoted.ts";
import { isModule, programsOf } from "../museum/program-module.ts";
import { isDataRace, readRegression } from "../museum/regressions.ts";
import { type Subject, scenarioOfSubject } from "../museum/subject.ts";
import { failureText } from "../report/exploration.ts";
import { timelineText } from "../report/timeline.ts";
import { timelinePage } from "../report/timeline-html.ts";
import { badUsage, EXIT } from "./common.ts";
import { jsonDocument } from "./document.ts";
import { writeWhole } from "./files.ts";
import { blameUser, type SubjectOptions, subjectOf, withSubjectOptions } from "./subject.ts";

const EXAMPLES = `
Examples:
  slablab replay interrupt-alloc v1:interrupt-alloc:62309b31:0x8.1x37.0x4 --mutation S01
  slablab replay regressions/r01.json --html r01.html`;

interface Given extends SubjectOptions {
  races?: true;
  html?: string;
  verbose?: true;
  json?: true;
}

/** The command, ready to be added to the program. */
export function replayCommand(): Command {
  const command = withSubjectOptions(
    new Command("replay")
      .description("run one schedule again and show it as a timeline")
      .argument("<scenario>", "the scenario that explore was given, or a saved failure (FILE.json)")
      .argument("[token]", "the token that explore printed"),
  )
    .option("--races", "also look for data races, as the search did")
    .option("--html <file>", "write a page that steps through the schedule")
    .option("--verbose", "show every access")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES);
  return command.action(async (scenario: string, token: string | undefined, given: Given) => {
    try {
      await run(command, scenario, token, given);
    } catch (error) {
      blameUser(command, error);
      throw error;
    }
  });
}

async function run(
  command: Command,
  scenario: string,
  token: string | undefined,
  given: Given,
): Promise<void> {
  if (isModule(scenario)) {
    await replayModule(command, scenario, token, given);
    return;
  }
  const { subject, token: wanted, dataRaces } = await asked(command, scenario, token, given);
  const options = { dataRaces, watch: snapshotOf };
  tell(
    command,
    subject.scenario,
    wanted,
    given,
    replay(await scenarioOfSubject(subject), wanted, options),
  );
}

/** A module may export several programs: the token names the one. */
async function replayModule(
  command: Command,
  path: string,
  token: string | undefined,
  given: Given,
): Promise<void> {
  if (token === undefined) badUsage(command, "the token is missing");
  const { scenario } = parseToken(token);
  const program = (await programsOf(path)).find(({ name }) => name === scenario);
  if (program === undefined) badUsage(command, `${path} exports no program ${quoted(scenario)}`);
  tell(command, path, token, given, program.replay(token));
}

function tell(
  command: Command,
  scenario: string,
  wanted: string,
  given: Given,
  replayed: Replayed,
): void {
  if (given.html !== undefined) {
    const page = timelinePage(scenario, wanted, replayed);
    try {
      writeWhole(given.html, page);
    } catch (error) {
      badUsage(command, `cannot write the page: ${(error as Error).message}`);
    }
  }
  const timeline = replayed.timeline.map(withoutState);
  const text = given.json
    ? jsonDocument("replay", { ...given, scenario, token: wanted }, json(replayed, timeline))
    : shown(replayed, timeline, given.verbose === true);
  process.stdout.write(text);
  process.exitCode = replayed.failure === undefined ? EXIT.FINE : EXIT.FOUND;
}

async function asked(
  command: Command,
  scenario: string,
  token: string | undefined,
  given: Given,
): Promise<{ subject: Subject; token: string; dataRaces: boolean }> {
  const dataRaces = given.races === true;
  if (token !== undefined) {
    return { subject: await subjectOf(scenario, given), token, dataRaces };
  }
  if (!scenario.endsWith(".json")) badUsage(command, "a token, or a saved failure, is missing");
  const saved = readRegression(scenario);
  return { ...saved, dataRaces: dataRaces || isDataRace(saved) };
}

/** Snapshots are for the page. */
function withoutState({ state: _state, ...event }: TimelineEvent): TimelineEvent {
  return event;
}

function json(
  { failure }: Replayed,
  timeline: readonly TimelineEvent[],
): Readonly<Record<string, unknown>> {
  if (failure === undefined) return { failure: null, timeline };
  const { class: found, message, token, preemptions, steps } = failure;
  return { failure: { class: found, message, token, preemptions, steps }, timeline };
}

function shown(
  { failure }: Replayed,
  timeline: readonly TimelineEvent[],
  isVerbose: boolean,
): string {
  if (failure !== undefined) return failureText({ ...failure, timeline }, isVerbose);
  return `the schedule passes\n\n${timelineText(timeline, isVerbose)}`;
}
