// SPDX-License-Identifier: GPL-2.0-only
/** `slablab scale`: what an operation costs and how it scales, per allocator. */
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import * as v from "valibot";
import { type Comparison, compare } from "../../stress/scaling/compare.ts";
import type { ScaleOptions } from "../../stress/scaling/plan.ts";
import type { ScalePoint } from "../../stress/scaling/point.ts";
import { type ScaleOutcome, scale } from "../../stress/scaling/run.ts";
import { SUBJECTS } from "../../stress/scaling/subjects/index.ts";
import { targetRows } from "../../stress/scaling/targets.ts";
import { SCALE_WORKLOADS } from "../../stress/scaling/workloads/index.ts";
import { KERNEL_VERSIONS, type KernelVersion } from "../caches/kernel-version.ts";
import { raiseInliningBudget } from "../machine/inlining.ts";
import { quoted } from "../machine/quoted.ts";
import { drawSvg } from "../report/plots.ts";
import { scaleHtml } from "../report/scale-html.ts";
import { plotsOf } from "../report/scale-plots.ts";
import {
  comparisonReport,
  overloadWarning,
  scaleProgress,
  scaleReport,
} from "../report/scale-text.ts";
import { badUsage, EXIT, interruptible, ProgressLine, seconds, wholeNumber } from "./common.ts";
import { jsonDocument, reportSource } from "./document.ts";
import { makeDirectory, readText, tryFile, writeWhole } from "./files.ts";
import { modelText } from "./scale-model.ts";

const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));

/** Of an earlier result: what a comparison looks at. */
const Earlier = v.object({
  schema: v.literal("slablab/scale/1"),
  points: v.array(
    v.object({
      allocator: v.string(),
      workload: v.string(),
      size: v.number(),
      cpus: v.number(),
      ratio: positive,
      nsPerOperation: v.object({ median: positive, p10: positive, p90: positive }),
    }),
  ),
});

const MOST_CPUS = 64;
const LEAST_BYTES = 8;
const MOST_BYTES = 8192;

const EXAMPLES = `
Allocators:
${[...SUBJECTS.values()].map(({ name, title }) => `  ${name.padEnd(20)}${title}`).join("\n")}

Workloads:
${[...SCALE_WORKLOADS.values()].map(({ name, about }) => `  ${name.padEnd(20)}${about}`).join("\n")}

Examples:
  slablab scale --quick
  slablab scale --allocators slub,slab --workloads pairs,larson --cpus 1,2,4 --html scale.html
  slablab scale --quick --json > before.json;  slablab scale --quick --compare before.json
  slablab scale --model --allocators slub --workloads larson,remote-free --cpus 1,16,64 --nodes 2`;

interface Given {
  allocators?: string[];
  workloads?: string[];
  cpus?: number[];
  sizes?: number[];
  seconds: number;
  repeat: number;
  seed: number;
  inlining: "raised" | "default";
  quick?: true;
  native?: true;
  model?: true;
  kernels?: KernelVersion[];
  nodes?: number;
  transfer?: number;
  svg?: string;
  html?: string;
  compare?: string;
  json?: true;
  quiet?: true;
}

/** The command, ready to be added to the program. */
export function scaleCommand(): Command {
  const command = new Command("scale")
    .option("--allocators <list>", "allocators, comma-separated (see below)", namesOf(SUBJECTS))
    .option(
      "--workloads <list>",
      "workloads, comma-separated (see below)",
      namesOf(SCALE_WORKLOADS),
    )
    .option(
      "--cpus <list>",
      "numbers of simulated CPUs, comma-separated",
      numbersFrom(1, MOST_CPUS),
    )
    .option(
      "--sizes <list>",
      "object sizes in bytes, 8 to 8192, comma-separated",
      numbersFrom(LEAST_BYTES, MOST_BYTES),
    )
    .option("--seconds <n>", "time limit per point in seconds", seconds, 0.4)
    .option("--repeat <n>", "number of repetitions", wholeNumber, 1)
    .option("--seed <n>", "random seed", wholeNumber, 1)
    .option("--inlining <limits>", "inlining limits of V8: raised or default", limits, "raised")
    .option("--quick", "fewer allocators, workloads and windows: under a minute")
    .option("--native", "glibc, jemalloc, mimalloc and tcmalloc too, by the C compiler `cc`")
    .option("--model", "count accesses, locked instructions and cache-line transfers instead")
    .option("--kernels <list>", "with --model: kernel versions, comma-separated", kernelsFrom)
    .option("--nodes <n>", "with --model: memory nodes", wholeNumber)
    .option("--transfer <ns>", "with --model: price of a cache line from another CPU", seconds)
    .option("--svg <directory>", "write the plots to this directory")
    .option("--html <file>", "write a report with plots and tables")
    .option(
      "--compare <file>",
      "compare with an earlier --json document; exit 1 where a point is slower",
    )
    .option("--json", "print one JSON document")
    .option("--quiet", "no progress line")
    .addHelpText("after", EXAMPLES);
  return command.action(async (given: Given) => {
    if (given.model) {
      process.stdout.write(modelText(given));
      return;
    }
    const { kernels, nodes, transfer } = given;
    if ((kernels ?? nodes ?? transfer) !== undefined) {
      badUsage(command, "--kernels, --nodes and --transfer need --model");
    }
    if (given.repeat < 1) badUsage(command, "--repeat must be 1 or more");
    const before =
      given.compare === undefined ? undefined : await readResult(command, given.compare);
    tryReports(command, given);
    const options = optionsOf(given);
    if (options.raised) raiseInliningBudget();
    const progress = new ProgressLine(given.quiet ?? false);
    const { result: outcome, interruptedCode } = await interruptible((signal) =>
      scale(options, (state) => progress.show(scaleProgress(state)), signal),
    );
    progress.clear();
    const comparison = before === undefined ? undefined : compare(before, outcome.points);
    process.stdout.write(
      given.json ? document(given, outcome, comparison) : text(outcome, comparison),
    );
    if (given.json && outcome.overloaded) process.stderr.write(overloadWarning(outcome));
    await writeReports(command, given, outcome);
    if (outcome.leftOut.some(({ failed }) => failed)) process.exitCode = EXIT.INTERNAL;
    else if (outcome.interrupted) process.exitCode = interruptedCode;
    else if (comparison !== undefined && comparison.slower > 0) process.exitCode = EXIT.FOUND;
  });
}

function optionsOf(given: Given): ScaleOptions {
  const { allocators, workloads, cpus, sizes, repeat, seed, inlining } = given;
  return {
    ...{ allocators, workloads, cpus, sizes, repeat, seed },
    quick: given.quick ?? false,
    native: given.native ?? false,
    seconds: given.seconds,
    raised: inlining === "raised",
  };
}

function text(outcome: ScaleOutcome, comparison: Comparison | undefined): string {
  return scaleReport(outcome) + (comparison === undefined ? "" : comparisonReport(comparison));
}

function document(given: Given, outcome: ScaleOutcome, comparison: Comparison | undefined): string {
  return jsonDocument(
    "scale",
    { ...given },
    {
      ...outcome,
      targets: targetRows(outcome.points),
      ...(comparison === undefined ? {} : { comparison }),
    },
  );
}

/** The points of an earlier --json. */
async function readResult(command: Command, file: string): Promise<ScalePoint[]> {
  const text = await readText(file);
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch (error) {
    return badUsage(command, `cannot read ${file}: not JSON: ${quoted((error as Error).message)}`);
  }
  const { success, issues, output } = v.safeParse(Earlier, written);
  if (success) return output.points as ScalePoint[];
  const [{ message }] = issues;
  const at = v.getDotPath(issues[0]) ?? "the document";
  return badUsage(
    command,
    `${file} is no result of slablab scale --json: ${at}: ${quoted(message)}`,
  );
}

/** What cannot be written is said before minutes of measuring, not after them. */
function tryReports(command: Command, { svg, html }: Given): void {
  reporting(command, () => {
    if (svg !== undefined) {
      makeDirectory(svg);
      tryFile(join(svg, ".slablab"));
    }
    if (html !== undefined) tryFile(html);
  });
}

function reporting<T>(command: Command, work: () => T): T {
  try {
    return work();
  } catch (error) {
    return badUsage(command, `cannot write reports: ${(error as Error).message}`);
  }
}

async function writeReports(command: Command, given: Given, outcome: ScaleOutcome): Promise<void> {
  const { svg, html } = given;
  const write = (file: string, content: string): void =>
    reporting(command, () => writeWhole(file, content));
  if (svg !== undefined) {
    for (const { name, spec, title } of plotsOf(outcome.points)) {
      write(join(svg, `${name}.svg`), await drawSvg({ ...spec, title }, "neutral"));
    }
  }
  if (html !== undefined) {
    write(html, await scaleHtml(outcome, reportSource()));
  }
}

function namesOf(known: ReadonlyMap<string, unknown>): (written: string) => string[] {
  return (written) => {
    const names = written.split(",");
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length === 0) return names;
    throw new InvalidArgumentError(
      `Unknown: ${unknown.join(", ")}. Known: ${[...known.keys()].join(", ")}.`,
    );
  };
}

function numbersFrom(least: number, most: number): (written: string) => number[] {
  return (written) => {
    const numbers = written.split(",").map(wholeNumber);
    if (numbers.every((number) => number >= least && number <= most)) return numbers;
    throw new InvalidArgumentError(`Each must be from ${least} to ${most}.`);
  };
}

function kernelsFrom(written: string): KernelVersion[] {
  return namesOf(new Map(KERNEL_VERSIONS.map((kernel) => [kernel, kernel])))(written).map(
    (kernel) => kernel as KernelVersion,
  );
}

function limits(written: string): string {
  if (written === "raised" || written === "default") return written;
  throw new InvalidArgumentError("It must be raised or default.");
}
