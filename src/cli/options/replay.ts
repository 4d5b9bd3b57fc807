// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab replay`. */
import { Command } from "commander";
import { junitOption } from "../check-results.ts";
import { DMESG } from "../common.ts";
import { type SubjectOptions, withSubjectOptions } from "./subject.ts";

const EXAMPLES = `
Examples:
  slablab replay interrupt-alloc v1:interrupt-alloc:62309b31:0x8.1x37.0x4 --mutation S01
  slablab replay R01 --html r01.html # an exhibit fails without a token: it is searched first
  slablab replay regressions/r01.json --svg r01.svg`;

export interface Given extends SubjectOptions {
  races?: true;
  html?: string;
  svg?: string;
  junit?: string;
  verbose?: true;
  dmesg?: true;
  json?: true;
}

/** The command, ready to be added to the program. */
export function replayCommand(): Command {
  const command = withSubjectOptions(
    new Command("replay")
      .argument(
        "<scenario>",
        "the scenario that explore was given, an exhibit, or a saved failure (FILE.json)",
      )
      .argument("[token]", "the token that explore printed; an exhibit needs none"),
  )
    .option("--races", "also look for data races, as the search did")
    .option("--html <file>", "write a page that steps through the schedule")
    .option("--svg <file>", "draw the schedule as one picture")
    .addOption(junitOption())
    .option("--verbose", "show every access")
    .option("--dmesg", DMESG)
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES);
  return command.action(async (scenario: string, token: string | undefined, given: Given) => {
    await (await import("../replay.ts")).runReplay(command, { scenario, token }, given);
  });
}
