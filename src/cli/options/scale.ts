// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab scale`. */
import { Command, InvalidArgumentError } from "commander";
import { SUBJECTS } from "../../../stress/scaling/subjects/index.ts";
import { SCALE_WORKLOADS } from "../../../stress/scaling/workloads/index.ts";
import { KERNEL_VERSIONS, type KernelVersion } from "../../caches/kernel-version.ts";
import { seconds, wholeNumber } from "../common.ts";

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

export interface Given {
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
    await (await import("../scale.ts")).runScale(command, given);
  });
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
