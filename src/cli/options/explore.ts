// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab explore`. */
import { Command, Option } from "commander";
import type { Strategy } from "../../explore/portfolio.ts";
import { scenarios } from "../../museum/scenarios.ts";
import { htmlOption, junitOption } from "../check-results.ts";
import { DMESG, seconds, wholeNumber } from "../common.ts";
import { type JobOptions, queueOption, shardOption } from "./jobs.ts";
import { type SubjectOptions, withSubjectOptions } from "./subject.ts";

const EXAMPLES = `
Scenarios:
${[...scenarios.values()].map(({ name, story }) => `  ${name.padEnd(26)}${story}`).join("\n")}

Examples:
  slablab explore two-cpus
  slablab explore interrupt-alloc --mutation R07
  slablab explore all --mutation my-mutation.ts --seconds 60
  slablab explore two-tasks-drop --era seed --out regressions/r01.json
  slablab explore my-scenario.txt --strategy pct --schedules 100000 --seed 7
  slablab explore ./queue.explore.ts # your own code over Int32Array and Atomics
  slablab explore two-cpus --schedules 1000000 --seed 7 --shard 3/64 --json > 3.json`;

export interface Given extends SubjectOptions, JobOptions {
  strategy: Strategy;
  preemptions: number;
  schedules?: number;
  seconds?: number;
  seed?: number;
  races?: true;
  prune: boolean;
  out?: string;
  html?: string;
  dmesg?: true;
}

/** The command, ready to be added to the program. */
export function exploreCommand(): Command {
  const command = withSubjectOptions(
    new Command("explore").argument(
      "<scenario>",
      "a name (see below), an exhibit of the museum, a file (text, or a module), or `all`",
    ),
  )
    .addOption(
      new Option("--strategy <name>", "how schedules are chosen")
        .choices(["portfolio", "bound", "all", "pct", "pos", "walk"])
        .default("portfolio"),
    )
    .option(
      "--preemptions <n>",
      "largest preemption bound that is searched completely",
      wholeNumber,
      2,
    )
    .option(
      "--schedules <n>",
      "limit of schedules; the same seed then gives the same answer",
      wholeNumber,
    )
    .option(
      "--seconds <n>",
      "CPU time on each core, in seconds (default: 10, for `all` 60; none with --schedules)",
      seconds,
    )
    .option("--seed <n>", "random seed (default: any)", wholeNumber)
    .option("--races", "also look for data races")
    .option("--no-prune", "under a bound, continue even from states met before")
    .option("--out <file>", "save the failure; saved failures in regressions/ are tried first")
    .addOption(junitOption())
    .addOption(htmlOption())
    .option("--dmesg", `${DMESG}: in the schedule that fails`)
    .addOption(shardOption())
    .addOption(queueOption())
    .option("--json", "print one JSON document")
    .option("--quiet", "no progress line")
    .addHelpText("after", EXAMPLES);
  return command.action(async (scenario: string, given: Given) => {
    await (await import("../explore.ts")).runExplore(command, scenario, given);
  });
}
