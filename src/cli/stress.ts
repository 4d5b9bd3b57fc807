// SPDX-License-Identifier: GPL-2.0-only
/** `slablab stress`: the allocator on real threads, every object watched. */
import { Command, InvalidArgumentError, Option } from "commander";
import { loadBuild } from "../../stress/build.ts";
import { MOST_GROUPS } from "../../stress/control.ts";
import { buildPlan, type Outcome, type StressOptions } from "../../stress/options.ts";
import { BadOptions, stress } from "../../stress/run.ts";
import { WORKLOADS } from "../../stress/workloads/index.ts";
import { ERAS, type Era } from "../caches/kernel-version.ts";
import { classesFor } from "../kernel/classes.ts";
import { mutate, NoMutation } from "../laboratory/mutation.ts";
import type { TortureRates } from "../machine/tortured-memory.ts";
import type { CheckResult } from "../report/check-result.ts";
import { stressCommandLine } from "../report/failure.ts";
import { stressProgress, stressReport } from "../report/stress.ts";
import { stressHtml } from "../report/stress-html.ts";
import { stressJson } from "../report/stress-json.ts";
import {
  htmlOption,
  junitOption,
  type ReportFiles,
  refuseUnwritable,
  tellResults,
  writeReport,
} from "./check-results.ts";
import {
  anySeed,
  badUsage,
  complain,
  DMESG,
  EXIT,
  type Interruptible,
  interruptible,
  ProgressLine,
  rate,
  seconds,
  wholeNumber,
} from "./common.ts";
import { environment, jsonDocument } from "./document.ts";
import { explanation } from "./explain.ts";
import {
  type KernelOptions,
  KMEMCHECK,
  kfenceOption,
  memoryOption,
  refuseWhatCannotRun,
  withKernelOptions,
} from "./kernel-options.ts";

const DEFAULT_SECONDS = 10;

const EXAMPLES = `
Workloads:
${[...WORKLOADS.values()].map(({ name, story }) => `  ${name.padEnd(18)}${story}`).join("\n")}

Examples:
  slablab stress --seconds 20 --cpus 4 --nodes 2 --interrupts 0.001 --migrations 0.0005
  slablab stress --operations 10000000 --workload burst
  slablab stress --workload pressure --memory 16M --json
  slablab stress --debug FZPU --fail-slab 0.01 --fail-pages 0.01 --hotplug 1
  slablab stress --mutation R04 --interrupts 0.001 --migrations 0.0005`;

interface Given extends KernelOptions, ReportFiles {
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
    const options = optionsOf(command, given);
    await load(command, options);
    refuseUnwritable(command, given);
    await run(command, given, options);
  });
}

/** The letters of slub_debug that a whole run can bear: a trace (T) would be all it does. */
function letters(written: string): string {
  if (/^[FZPUO]+$/i.test(written)) return written;
  throw new InvalidArgumentError("It must be some of the letters F, Z, P, U and O.");
}

function optionsOf(command: Command, given: Given): StressOptions {
  const { mutation, workload, explain: _explain, json: _json, quiet: _quiet, ...others } = given;
  const { junit: _junit, html: _html, ...rest } = others;
  if (!WORKLOADS.has(workload)) {
    badUsage(command, `no workload ${workload}; there are ${[...WORKLOADS.keys()].join(", ")}`);
  }
  refuseWhatCannotRun(command, given);
  if (given.seconds !== undefined && given.operations !== undefined) {
    badUsage(command, "--seconds and --operations exclude each other");
  }
  if (given.debug !== undefined && given.allocator === "slab") {
    badUsage(command, "--debug is slub_debug; it needs --allocator slub");
  }
  if (given.hotplug !== undefined && given.cpus < 2) {
    badUsage(command, "--hotplug needs at least two CPUs: the last one cannot go");
  }
  if (given.policies === true && given.nodes < 2) {
    badUsage(command, "--policies needs at least two nodes: --nodes 2");
  }
  if (given.groups !== undefined && (given.groups < 1 || given.groups > MOST_GROUPS)) {
    badUsage(command, `--groups is a number from 1 to ${MOST_GROUPS}`);
  }
  return {
    ...rest,
    workload,
    mutation,
    operations: given.operations,
    seconds: given.operations === undefined ? (given.seconds ?? DEFAULT_SECONDS) : undefined,
    seed: given.seed ?? anySeed(),
    ...ratesOf(given),
  };
}

/** The rates that are given, or those of the workload where none is. */
function ratesOf({ workload, interrupts, migrations, delays }: Given): TortureRates {
  const isGiven = interrupts !== undefined || migrations !== undefined || delays !== undefined;
  const usual = WORKLOADS.get(workload)?.rates;
  if (!isGiven && usual !== undefined) return usual;
  return {
    interrupts: interrupts ?? 0,
    migrations: migrations ?? 0,
    delays: delays ?? (interrupts ?? 0) / 5,
  };
}

/** The mutation's module must be known before the machine is built. */
async function load(command: Command, options: StressOptions): Promise<void> {
  const { allocator, kernel } = options;
  try {
    const { mutation } = await loadBuild(buildPlan(options));
    if (mutation !== undefined) mutate(mutation, classesFor(allocator, kernel));
  } catch (error) {
    if (error instanceof NoMutation) badUsage(command, error.message);
    throw error;
  }
}

async function run(command: Command, given: Given, options: StressOptions): Promise<void> {
  const line = new ProgressLine(given.quiet === true);
  let ended: Interruptible<Outcome>;
  try {
    ended = await interruptible((signal) =>
      stress(options, {
        signal,
        progress: (progress) => line.show(stressProgress(options, progress)),
      }),
    );
  } catch (error) {
    line.clear();
    if (error instanceof BadOptions) badUsage(command, error.message);
    throw error;
  }
  line.clear();
  const { result: outcome, interruptedCode } = ended;
  const text = given.json
    ? jsonDocument("stress", { ...options }, stressJson(options, outcome))
    : stressReport(options, outcome);
  process.stdout.write(text);
  if (given.html !== undefined) {
    writeReport(given.html, stressHtml(options, outcome, { ...environment() }));
  }
  tellResults("stress", given, [resultOf(options, outcome)]);
  const { failure } = outcome;
  if (failure !== undefined) {
    const explained = await explanation(options, failure, given.explain === true);
    // Under --json standard output holds the document alone.
    (given.json ? process.stderr : process.stdout).write(explained);
  }
  const { mutation } = options;
  if (mutation !== undefined && failure === undefined && outcome.died === undefined) {
    complain(
      `${mutation} was not noticed in ${outcome.seconds.toFixed(0)} s; give it longer (--seconds) or search: slablab explore all --mutation ${mutation}`,
    );
  }
  if (outcome.died !== undefined) complain(`${outcome.died}`);
  process.exitCode = exitCode(outcome, interruptedCode);
}

function resultOf(options: StressOptions, outcome: Outcome): CheckResult {
  const { failure, died, interrupted, seconds } = outcome;
  const again = stressCommandLine(options);
  return {
    name: `${options.workload} on ${options.allocator} of ${options.kernel}`,
    seconds,
    failure: failure && { class: failure.class, message: failure.message, again },
    unproven:
      failure === undefined ? (died ?? (interrupted ? "interrupted" : undefined)) : undefined,
  };
}

function exitCode(outcome: Outcome, interruptedCode: number): number {
  if (outcome.died !== undefined) return EXIT.INTERNAL;
  if (outcome.failure !== undefined) return EXIT.FOUND;
  return outcome.interrupted ? interruptedCode : EXIT.FINE;
}
