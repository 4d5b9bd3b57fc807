// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab stress`. */
import { Command, InvalidArgumentError, Option } from "commander";
import { WORKLOADS } from "../../../stress/workloads/index.ts";
import { ERAS, type Era } from "../../caches/kernel-version.ts";
import { htmlOption, junitOption, type ReportFiles } from "../check-results.ts";
import { DMESG, rate, seconds, wholeNumber } from "../common.ts";
import {
  type KernelOptions,
  KMEMCHECK,
  kfenceOption,
  memoryOption,
  withKernelOptions,
} from "./kernel.ts";

export const DEFAULT_SECONDS = 10;

const EXAMPLES = `
Workloads:
${[...WORKLOADS.values()].map(({ name, story }) => `  ${name.padEnd(18)}${story}`).join("\n")}

Examples:
  slablab stress --seconds 20 --cpus 4 --nodes 2 --interrupts 0.001 --migrations 0.0005
  slablab stress --operations 10000000 --workload burst
  slablab stress --workload pressure --memory 16M --json
  slablab stress --debug FZPU --fail-slab 0.01 --fail-pages 0.01 --hotplug 1
  slablab stress --mutation R04 --interrupts 0.001 --migrations 0.0005`;

export interface Given extends KernelOptions, ReportFiles {
  cpus: number;
  nodes: number;
  memory: number;
  seconds?: number;
  operations?: number;
  workload: string;
  seed?: number;
  ledger: boolean;
  interrupts?: number;
  migrations?: number;
  delays?: number;
  mutation?: string;
  era: Era;
  debug?: string;
  failSlab?: number;
  failPages?: number;
  hotplug?: number;
  policies?: true;
  leaks?: true;
  kasan?: true;
  kfence?: true | number;
  kmemcheck?: true;
  groups?: number;
  explain?: true;
  dmesg?: true;
  json?: true;
  quiet?: true;
}

/** The command, ready to be added to the program. */
export function stressCommand(): Command {
  const command = withKernelOptions(new Command("stress"))
    .option("--cpus <n>", "simulated CPUs, a thread each", wholeNumber, 4)
    .option("--nodes <n>", "memory nodes", wholeNumber, 1)
    .addOption(memoryOption())
    .option("--seconds <n>", `time limit in seconds (default: ${DEFAULT_SECONDS})`, seconds)
    .option(
      "--operations <n>",
      "operations of all tasks together, instead of --seconds",
      wholeNumber,
    )
    .option("--workload <name>", "workload (see below)", "mixed")
    .option("--seed <n>", "random seed (default: any)", wholeNumber)
    .option("--no-ledger", "do not watch every object; faster")
    .option(
      "--interrupts <rate>",
      "interrupt probability per memory access (default: as suits the workload; 0 if any rate is given)",
      rate,
    )
    .option("--migrations <rate>", "preemption probability per memory access, likewise", rate)
    .option(
      "--delays <rate>",
      "delay probability per memory access, likewise (a fifth of --interrupts if any rate is given)",
      rate,
    )
    .option(
      "--mutation <id|file>",
      "allocator with one fix taken out: an id, or a file that exports one",
    )
    .addOption(
      new Option(
        "--era <era>",
        "fixes that the allocator has: `seed` lacks the one of CVE-2022-49700, `faithful` has its release's bugs",
      )
        .choices([...ERAS])
        .default("fixed"),
    )
    .option("--debug <letters>", "debug all caches: F, Z, P, U, as in slub_debug", letters)
    .option("--fail-slab <rate>", "failure probability of an object allocation", rate)
    .option("--fail-pages <rate>", "failure probability of a page allocation", rate)
    .option(
      "--hotplug <seconds>",
      "interval at which one CPU goes offline and another comes back",
      seconds,
    )
    .option("--groups <n>", "memory groups, made, filled and killed under load", wholeNumber)
    .option("--policies", "tasks change their memory policies and each other's cpusets")
    .option("--kasan", "check each access to an object; freed ones wait in a quarantine (KASAN)")
    .addOption(kfenceOption())
    .option("--kmemcheck", KMEMCHECK)
    .option("--leaks", "look for objects that nobody holds, at the end (tracks: --debug U)")
    .option("--explain", "after a failure, search its last operations for a failing schedule")
    .addOption(junitOption())
    .addOption(htmlOption())
    .option("--dmesg", DMESG)
    .option("--json", "print one JSON document")
    .option("--quiet", "no progress line")
    .addHelpText("after", EXAMPLES);
  return command.action(async (given: Given) => {
    await (await import("../stress.ts")).runStress(command, given);
  });
}

/** The letters of slub_debug that a whole run can bear: a trace (T) would be all it does. */
function letters(written: string): string {
  if (/^[FZPUO]+$/i.test(written)) return written;
  throw new InvalidArgumentError("It must be some of the letters F, Z, P, U and O.");
}
