// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab merge`. */
import { Command } from "commander";
import { htmlOption, junitOption, type ReportFiles } from "../check-results.ts";

const EXAMPLES = `
The answer and the exit code are those of the whole search in one process; so is the digest that it
ends with. Shards after the first that fails may be missing.

Examples:
  for i in 0 1 2 3; do
    slablab explore two-cpus --schedules 200000 --seed 7 --shard $i/4 --json > $i.json
  done
  slablab merge *.json`;

export interface Given extends ReportFiles {
  json?: true;
  out?: string;
}

/** The command, ready to be added to the program. */
export function mergeCommand(): Command {
  const command = new Command("merge")
    .argument("<file...>", "their documents, in any order")
    .option("--out <file>", "save the failure, as explore and fuzz do")
    .addOption(junitOption())
    .addOption(htmlOption())
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES);
  return command.action(async (files: string[], given: Given) => {
    await (await import("../merge.ts")).runMerge(command, files, given);
  });
}
