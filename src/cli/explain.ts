// SPDX-License-Identifier: GPL-2.0-only
/** What follows a failed stress run: its scenario in a file, and, if asked for, a schedule. */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { StressFailure } from "../../stress/failure.ts";
import type { StressOptions } from "../../stress/options.ts";
import { scenarioOfFailure } from "../../stress/scenario.ts";
import { Explorers } from "../../workers/explorers.ts";
import { printScenario } from "../laboratory/print.ts";
import type { Subject } from "../museum/subject.ts";
import { explorationReport } from "../report/exploration.ts";
import { commandLine } from "../report/text.ts";
import { complain } from "./common.ts";

const SECONDS = 30;

/** Failures of one seed that are kept side by side. */
const MOST_FILES = 100;

/**
 * Writes the scenario and returns the text that names it, or holds it where it cannot be written;
 * with `searches`, ends with the timeline.
 */
export async function explanation(
  options: StressOptions,
  failure: StressFailure,
  searches: boolean,
): Promise<string> {
  const scenario = scenarioOfFailure(options, failure);
  // Caches made and destroyed, say, are nothing that a scenario has words for.
  if (!scenario.contexts.some(({ kind }) => kind === "task")) return "";
  const { seed, mutation, era } = options;
  const text = printScenario(scenario);
  const { file, isWritten } = save(`stress-${seed}`, text);
  const words = ["slablab", "explore", file];
  if (mutation !== undefined) words.push("--mutation", mutation);
  if (era !== "fixed") words.push("--era", era);
  const told = isWritten ? file : `to be saved as ${file}\n\n${text}`;
  const named = `\nthe last operations as a scenario: ${told}\n  ${commandLine(words)}\n`;
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

/**
 * Writes `text` to a file of its own in the working directory: what is there already may be the
 * scenario of another failure of the same seed. Where nothing can be written it says why.
 */
function save(name: string, text: string): { file: string; isWritten: boolean } {
  for (let number = 1; number <= MOST_FILES; number++) {
    const file = number === 1 ? `${name}.txt` : `${name}-${number}.txt`;
    try {
      writeFileSync(file, text, { flag: "wx" });
      return { file, isWritten: true };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") continue;
      complain(`the scenario is not saved: ${message}`);
      return { file, isWritten: false };
    }
  }
  complain(`the scenario is not saved: there are ${MOST_FILES} of ${name} already`);
  return { file: `${name}.txt`, isWritten: false };
}
