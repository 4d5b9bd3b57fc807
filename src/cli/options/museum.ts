// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab museum`, of the catalogue and of the proof. */
import { Command } from "commander";
import { htmlOption, junitOption } from "../check-results.ts";
import { DMESG, rate, seconds, wholeNumber } from "../common.ts";
import { type JobOptions, queueOption, shardOption } from "./jobs.ts";

/**
 * R01 needs two preemptions in one place, which interrupts hide: many migrations, few interrupts.
 */
const LIVE_RATES = { interrupts: 0.002, migrations: 0.02, delays: 0.0005 } as const;
const LIVE_SECONDS = 20;

const EXAMPLES = `
Examples:
  slablab museum run
  slablab museum run R01 R04
  slablab museum run R07 --live --seed 1
  slablab museum run --shard 3/8 --json > 3.json`;

export interface Given extends JobOptions {
  live?: true;
  seconds: number;
  seed?: number;
  interrupts: number;
  migrations: number;
  delays: number;
  html?: string;
  dmesg?: true;
}

/** The command, ready to be added to the program. */
export function museumCommand(): Command {
  const command = new Command("museum");
  command
    .command("list", { isDefault: true })
    .description("the catalogue")
    .option("--json", "print one JSON document")
    .action(async (given: { json?: true }) => {
      (await import("../museum.ts")).showCatalogue(given);
    });
  const run = command
    .command("run")
    .description("find each bug in the broken source, and none in the fixed one")
    .argument("[id...]", "exhibits; all if none is named")
    .option("--live", "run on real threads instead, and report how long it took")
    .option(
      "--seconds <n>",
      "with --live: time limit per exhibit in seconds",
      seconds,
      LIVE_SECONDS,
    )
    .option("--seed <n>", "with --live: random seed (default: any)", wholeNumber)
    .option(
      "--interrupts <rate>",
      "with --live: interrupt probability per memory access",
      rate,
      LIVE_RATES.interrupts,
    )
    .option(
      "--migrations <rate>",
      "with --live: preemption probability per memory access",
      rate,
      LIVE_RATES.migrations,
    )
    .option(
      "--delays <rate>",
      "with --live: delay probability per memory access",
      rate,
      LIVE_RATES.delays,
    )
    .addOption(junitOption())
    .addOption(htmlOption())
    .option("--dmesg", `${DMESG}: in the schedules that fail`)
    .addOption(shardOption())
    .addOption(queueOption())
    .option("--json", "print one JSON document")
    .option("--quiet", "no progress line")
    .addHelpText("after", EXAMPLES);
  run.action(async (ids: string[], given: Given) => {
    await (await import("../museum.ts")).runMuseum(run, ids, given);
  });
  return command;
}
