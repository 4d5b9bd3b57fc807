// SPDX-License-Identifier: GPL-2.0-only
/** What `explore` and `replay` have in common: which scenario, on which allocator. */
import { statSync } from "node:fs";
import type { Command } from "commander";
import { BadQueue } from "../../workers/queue/connection.ts";
import { NotExplorable } from "../explore/failure.ts";
import type { MemoryModel } from "../explore/store-buffers.ts";
import { TokenError } from "../explore/token.ts";
import { NoMutation } from "../laboratory/mutation.ts";
import { ScenarioError } from "../laboratory/parse.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { BadModule } from "../museum/program-module.ts";
import { BadRegression } from "../museum/regressions.ts";
import { NoScenario, type Subject } from "../museum/subject.ts";
import { badUsage } from "./common.ts";
import { readText } from "./files.ts";
import type { SubjectOptions } from "./options/subject.ts";

/** @throws RangeError for both options at once: happens-before is not defined over store buffers. */
export function refuseRacesOf(given: { races?: true; memory?: MemoryModel }): void {
  if (given.races === true && (given.memory ?? "sc") !== "sc") {
    throw new RangeError("--races looks at --memory sc only");
  }
}

/** `scenario`: a name, the id of an exhibit, a file, or `-` for standard input. */
export async function subjectOf(scenario: string, options: SubjectOptions): Promise<Subject> {
  const { allocator, kernel, mutation, era, memory } = options;
  // A pipe or a device can be read as well as a plain file; a path is never a name.
  const isPath = scenario === "-" || scenario.includes("/");
  const isFile = isPath || statSync(scenario, { throwIfNoEntry: false })?.isDirectory() === false;
  return {
    scenario,
    ...(isFile ? { text: await readText(scenario) } : {}),
    ...(mutation === undefined ? {} : { mutation }),
    ...(era === undefined ? {} : { era }),
    ...(allocator === undefined ? {} : { allocator }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(memory === undefined ? {} : { memory }),
  };
}

/** Ends the program where the user's words are to blame for the error. */
export function blameUser(command: Command, error: unknown): void {
  const kinds = [
    NoScenario,
    ScenarioError,
    NoMutation,
    TokenError,
    BadRegression,
    BadModule,
    BadQueue,
    NotExplorable,
    RangeError,
  ];
  if (kinds.some((kind) => error instanceof kind)) badUsage(command, (error as Error).message);
  if (error instanceof KernelBug) {
    badUsage(command, `the scenario fails before its tasks begin: ${error.message}`);
  }
  // Of an error that has come from a thread nothing but its stack says which kind it is.
  const { message, stack = "" } = error as Error;
  const names = [
    "ScenarioError",
    "NoMutation",
    "TokenError",
    "RangeError",
    "BadModule",
    "NotExplorable",
  ];
  if (names.some((name) => stack.startsWith(`${name}: `))) badUsage(command, message);
}
