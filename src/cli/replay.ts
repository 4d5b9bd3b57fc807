// SPDX-License-Identifier: GPL-2.0-only
/** `slablab replay`: runs one schedule again, with names and values, as a timeline. */
import type { Command } from "commander";
import { explore } from "../explore/explore.ts";
import { type Replayed, replay } from "../explore/replay.ts";
import type { TimelineEvent } from "../explore/timeline.ts";
import { parseToken } from "../explore/token.ts";
import { withConsole } from "../laboratory/console.ts";
import { snapshotOf } from "../laboratory/snapshot.ts";
import { quoted } from "../machine/quoted.ts";
import { exhibit } from "../museum/bugs/index.ts";
import { programsOf } from "../museum/program-module.ts";
import { isDataRace, readRegression } from "../museum/regressions.ts";
import { isModule } from "../museum/sent-modules.ts";
import { type Story, storyOf } from "../museum/story.ts";
import { type Subject, scenarioOfSubject } from "../museum/subject.ts";
import { dmesgText } from "../report/dmesg.ts";
import { failureText } from "../report/exploration.ts";
import { commandLine } from "../report/text.ts";
import { timelinePage } from "../report/timeline/page.ts";
import { timelineSvg } from "../report/timeline/svg.ts";
import { timelineText } from "../report/timeline.ts";
import { refuseUnwritable, tellResults } from "./check-results.ts";
import { badUsage, EXIT } from "./common.ts";
import { jsonDocument } from "./document.ts";
import { writeWhole } from "./files.ts";
import type { Given } from "./options/replay.ts";
import { sourceLines } from "./source-lines.ts";
import { blameUser, subjectOf } from "./subject.ts";

/** Far more than any exhibit takes, for slow machines. */
const PATIENCE_SECONDS = 120;

/** As the options say. */
export async function runReplay(
  command: Command,
  { scenario, token }: { readonly scenario: string; readonly token: string | undefined },
  given: Given,
): Promise<void> {
  try {
    refuseUnwritable(command, { junit: given.junit });
    await run(command, scenario, token, given);
  } catch (error) {
    blameUser(command, error);
    throw error;
  }
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
  const said: string[] = [];
  const scene = withConsole(await scenarioOfSubject(subject), (line) => said.push(line));
  const replayed = { ...replay(scene, wanted, options), ...(given.dmesg && { dmesg: said }) };
  tell(
    command,
    { scenario: subject.scenario, ...storyOf(subject), token: wanted },
    given,
    replayed,
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
  const about = { scenario: path, title: scenario, story: [], token };
  tell(command, about, given, program.replay(token));
}

/** `dmesg`: what the machine has printed, where that was asked for. */
interface Heard extends Replayed {
  readonly dmesg?: readonly string[];
}

interface Told extends Story {
  readonly scenario: string;
  readonly token: string;
}

function tell(command: Command, told: Told, given: Given, replayed: Heard): void {
  const { scenario, token } = told;
  const telling = { ...told, sourceLine: sourceLines() };
  try {
    if (given.html !== undefined) writeWhole(given.html, timelinePage(telling, replayed));
    if (given.svg !== undefined) writeWhole(given.svg, timelineSvg(telling, replayed));
  } catch (error) {
    badUsage(command, `cannot write the page: ${(error as Error).message}`);
  }
  const timeline = replayed.timeline.map(withoutState);
  const text = given.json
    ? jsonDocument("replay", { ...given, scenario, token }, json(replayed, timeline))
    : shown(replayed, timeline, given.verbose === true) +
      (replayed.dmesg === undefined ? "" : dmesgText(replayed.dmesg));
  process.stdout.write(text);
  process.exitCode = replayed.failure === undefined ? EXIT.FINE : EXIT.FOUND;
  const { failure } = replayed;
  const again = commandLine(["slablab", "replay", scenario, token]);
  const failed = failure && { class: failure.class, message: failure.message, again };
  tellResults("replay", given, [{ name: told.title, seconds: 0, failure: failed }]);
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
  const known = exhibit(scenario);
  if (known !== undefined && given.mutation === undefined) {
    const subject = await subjectOf(scenario, given);
    const found = await foundToken(subject, known.preemptions);
    if (found !== undefined) return { subject, token: found, dataRaces };
    badUsage(command, `a token is missing: ${known.id} is harmless by itself`);
  }
  if (!scenario.endsWith(".json")) badUsage(command, "a token, or a saved failure, is missing");
  const saved = readRegression(scenario);
  return { ...saved, dataRaces: dataRaces || isDataRace(saved) };
}

/** An exhibit fails within so many preemptions, the same way each time. */
async function foundToken(subject: Subject, preemptions: number): Promise<string | undefined> {
  const search = { strategy: "bound", preemptions, seconds: PATIENCE_SECONDS } as const;
  const { failure } = explore({ ...(await scenarioOfSubject(subject)), search });
  return failure?.token;
}

/** Snapshots are for the page. */
function withoutState({ state: _state, ...event }: TimelineEvent): TimelineEvent {
  return event;
}

function json(
  { failure, dmesg }: Heard,
  timeline: readonly TimelineEvent[],
): Readonly<Record<string, unknown>> {
  if (failure === undefined) return { failure: null, timeline, dmesg };
  const { class: found, message, token, preemptions, steps } = failure;
  return { failure: { class: found, message, token, preemptions, steps }, timeline, dmesg };
}

function shown(
  { failure }: Replayed,
  timeline: readonly TimelineEvent[],
  isVerbose: boolean,
): string {
  if (failure !== undefined) return failureText({ ...failure, timeline }, isVerbose);
  return `the schedule passes\n\n${timelineText(timeline, isVerbose)}`;
}
