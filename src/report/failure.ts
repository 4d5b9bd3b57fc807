// SPDX-License-Identifier: GPL-2.0-only
/**
 * The failure of a stress run: the finding, the tasks concerned, and the command that runs it
 * again.
 */

import type { StressFailure } from "../../stress/failure.ts";
import type { StressOptions } from "../../stress/options.ts";
import { DEFAULT_KERNEL } from "../caches/kernel-version.ts";
import { commandLine, heading, styled } from "./text.ts";

const FINDINGS_SHOWN = 8;
const OPERATIONS_SHOWN = 6;

export function failureReport(options: StressOptions, failure: StressFailure): string {
  const who = failure.task < 0 ? "found by the audit" : `found by task ${failure.task}`;
  const others = failure.findings
    .slice(1, FINDINGS_SHOWN)
    .map((finding) => `    ${finding.failure}: ${finding.message}\n`);
  const more = failure.findings.length - FINDINGS_SHOWN;
  return [
    `\n${styled(["bold", "red"], `FAILURE ${failure.class}`)}, ${who}\n`,
    `  ${failure.message}\n`,
    ...others,
    more > 0 ? `    and ${more} more\n` : "",
    calls(failure.stack),
    lastOperations(failure),
    heading("Try it again"),
    `  ${stressCommandLine(options)}\n`,
  ].join("");
}

/** Where it was noticed, without the frames of the driver. */
function calls(stack: string): string {
  const frames = stack
    .split("\n")
    .filter((line) => line.trimStart().startsWith("at "))
    .map((line) => /at (?:new )?([\w.<>]+)/.exec(line)?.[1] ?? "")
    .filter((name) => name !== "" && !name.startsWith("file"));
  return frames.length === 0 ? "" : `  ${styled("dim", `in ${frames.slice(0, 8).join(" ← ")}`)}\n`;
}

function lastOperations({ lastOperations: histories }: StressFailure): string {
  const tasks = histories.map(({ task, operations }) => {
    const lines = operations
      .slice(-OPERATIONS_SHOWN)
      .map(({ cpu, what }) => `    ${cpu < 0 ? "     " : `CPU ${cpu}`}  ${what}\n`);
    return `  task ${task}\n${lines.join("")}`;
  });
  return heading("Last operations, the newest below") + tasks.join("");
}

/** The command that does the same again; threads differ in their timing. */
export function stressCommandLine(options: StressOptions): string {
  const { seconds, operations, memory } = options;
  const given: [string, string | number | undefined][] = [
    ["--allocator", options.allocator === "slub" ? undefined : options.allocator],
    ["--kernel", options.kernel === DEFAULT_KERNEL ? undefined : options.kernel],
    ["--workload", options.workload],
    ["--cpus", options.cpus],
    ["--nodes", options.nodes],
    ["--memory", memory % 2 ** 20 === 0 ? `${memory / 2 ** 20}M` : memory],
    ["--seconds", seconds],
    ["--operations", operations],
    ["--interrupts", options.interrupts || undefined],
    ["--migrations", options.migrations || undefined],
    ["--delays", options.delays === options.interrupts / 5 ? undefined : options.delays],
    ["--mutation", options.mutation],
    ["--era", options.era === "fixed" ? undefined : options.era],
    ["--debug", options.debug],
    ["--fail-slab", options.failSlab],
    ["--fail-pages", options.failPages],
    ["--hotplug", options.hotplug],
    ["--groups", options.groups],
    ["--seed", options.seed],
  ];
  const words = given.flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  if (!options.ledger) words.push("--no-ledger");
  if (options.policies === true) words.push("--policies");
  if (options.kasan === true) words.push("--kasan");
  if (options.kmemcheck === true) words.push("--kmemcheck");
  if (options.kfence !== undefined) words.push("--kfence");
  if (typeof options.kfence === "number") words.push(options.kfence);
  return commandLine(["slablab", "stress", ...words]);
}
