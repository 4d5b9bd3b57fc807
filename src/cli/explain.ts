/** What follows a failed stress run: its scenario in a file, and, if asked for, a schedule. */

import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { StressFailure } from "../../stress/failure.ts";
import type { StressOptions } from "../../stress/options.ts";
import { scenarioOfFailure } from "../../stress/scenario.ts";
import { Explorers } from "../../workers/explorers.ts";
import { printScenario } from "../explore/scenario/print.ts";
import type { Subject } from "../museum/subject.ts";
import { explorationReport } from "../report/exploration.ts";

const SECONDS = 30;

/** Writes the scenario and returns the text that names it; with `searches`, ends with the timeline. */
export async function explanation(
  options: StressOptions,
  failure: StressFailure,
  searches: boolean,
): Promise<string> {
  if (failure.lastOperations.every(({ operations }) => operations.length === 0)) return "";
  const { seed, mutation, era } = options;
  const file = `stress-${seed}.txt`;
  const text = printScenario(scenarioOfFailure(options, failure));
  writeFileSync(file, text);
  const words = [`slablab explore ${file}`];
  if (mutation !== undefined) words.push(`--mutation ${mutation}`);
  if (era === "seed") words.push("--era seed");
  const named = `\nthe last operations as a scenario: ${file}\n  ${words.join(" ")}\n`;
  if (!searches) return named;
  const subject: Subject = {
    scenario: file,
    text,
    era,
    ...(mutation === undefined ? {} : { mutation }),
  };
  const explorers = new Explorers(availableParallelism());
  try {
    const search = { seconds: SECONDS, preemptions: 2, seed };
    const result = await explorers.search({ subject, search, dataRaces: false });
    return `${named}\n${explorationReport(subject, result)}`;
  } finally {
    await explorers.close();
  }
}
