// SPDX-License-Identifier: GPL-2.0-only
/** `slablab stress`: the allocator on real threads, every object watched. */
import type { Command } from "commander";
import { loadBuild } from "../../stress/build.ts";
import { MOST_GROUPS } from "../../stress/control.ts";
import { buildPlan, type Outcome, type StressOptions } from "../../stress/options.ts";
import { BadOptions, stress } from "../../stress/run.ts";
import { WORKLOADS } from "../../stress/workloads/index.ts";
import { classesFor } from "../kernel/classes.ts";
import { mutate, NoMutation } from "../laboratory/mutation.ts";
import type { TortureRates } from "../machine/tortured-memory.ts";
import type { CheckResult } from "../report/check-result.ts";
import { stressCommandLine } from "../report/failure.ts";
import { stressProgress, stressReport } from "../report/stress.ts";
import { stressHtml } from "../report/stress-html.ts";
import { stressJson } from "../report/stress-json.ts";
import { refuseWhatCannotRun } from "./cannot-run.ts";
import { refuseUnwritable, tellResults, writeReport } from "./check-results.ts";
import {
  anySeed,
  badUsage,
  complain,
  EXIT,
  type Interruptible,
  interruptible,
  ProgressLine,
} from "./common.ts";
import { environment, jsonDocument } from "./document.ts";
import { explanation } from "./explain.ts";
import type { Given } from "./options/stress.ts";
import { DEFAULT_SECONDS } from "./options/stress.ts";

/** As the options say. */
export async function runStress(command: Command, given: Given): Promise<void> {
  const options = optionsOf(command, given);
  await load(command, options);
  refuseUnwritable(command, given);
  await run(command, given, options);
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
