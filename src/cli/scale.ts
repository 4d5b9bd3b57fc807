// SPDX-License-Identifier: GPL-2.0-only
/** `slablab scale`: what an operation costs and how it scales, per allocator. */
import { join } from "node:path";
import type { Command } from "commander";
import * as v from "valibot";
import { type Comparison, compare } from "../../stress/scaling/compare.ts";
import type { ScaleOptions } from "../../stress/scaling/plan.ts";
import type { ScalePoint } from "../../stress/scaling/point.ts";
import { type ScaleOutcome, scale } from "../../stress/scaling/run.ts";
import { targetRows } from "../../stress/scaling/targets.ts";
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
import { badUsage, EXIT, interruptible, ProgressLine } from "./common.ts";
import { jsonDocument, reportSource } from "./document.ts";
import { makeDirectory, readText, tryFile, writeWhole } from "./files.ts";
import type { Given } from "./options/scale.ts";
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

/** As the options say. */
export async function runScale(command: Command, given: Given): Promise<void> {
  if (given.model) {
    process.stdout.write(modelText(given));
    return;
  }
  const { kernels, nodes, transfer } = given;
  if ((kernels ?? nodes ?? transfer) !== undefined) {
    badUsage(command, "--kernels, --nodes and --transfer need --model");
  }
  if (given.repeat < 1) badUsage(command, "--repeat must be 1 or more");
  const before = given.compare === undefined ? undefined : await readResult(command, given.compare);
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
