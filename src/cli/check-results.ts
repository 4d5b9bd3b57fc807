// SPDX-License-Identifier: GPL-2.0-only
/**
 * Where the results of a command go besides its answer: `--junit FILE`, and annotations on standard
 * error where it runs in a workflow of GitHub Actions.
 */
import { type Command, Option } from "commander";
import { annotations } from "../report/annotations.ts";
import type { CheckResult } from "../report/check-result.ts";
import { junitXml } from "../report/junit.ts";
import { badUsage, complain, EXIT } from "./common.ts";
import { tryFile, writeWhole } from "./files.ts";

/** Files that a command writes besides its answer. */
export interface ReportFiles {
  readonly junit?: string | undefined;
  readonly html?: string | undefined;
}

export function junitOption(): Option {
  return new Option("--junit <file>", "write the result as JUnit XML");
}

export function htmlOption(): Option {
  return new Option("--html <file>", "write a report as a page");
}

/** A file that cannot be written is said before minutes of searching, not after them. */
export function refuseUnwritable(command: Command, { junit, html }: ReportFiles): void {
  for (const file of [junit, html]) {
    if (file === undefined) continue;
    try {
      tryFile(file);
    } catch (error) {
      badUsage(command, `cannot write ${file}: ${(error as Error).message}`);
    }
  }
}

/** Writes it, or says why not: the answer has been given. */
export function writeReport(file: string, text: string): void {
  try {
    writeWhole(file, text);
  } catch (error) {
    complain(`cannot write ${file}: ${(error as Error).message}`);
    process.exitCode = EXIT.INTERNAL;
  }
}

/** `command`: whose results they are. */
export function tellResults(
  command: string,
  { junit }: ReportFiles,
  results: readonly CheckResult[],
): void {
  if (junit !== undefined) writeReport(junit, junitXml(command, results));
  if (process.env.GITHUB_ACTIONS === "true") process.stderr.write(annotations(command, results));
}
