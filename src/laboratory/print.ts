// SPDX-License-Identifier: GPL-2.0-only
/** A scenario as the text file that parse.ts reads. */

import { describeFlags } from "../caches/flags.ts";
import { DEFAULT_KERNEL } from "../caches/kernel-version.ts";
import type { LaboratoryOptions } from "./laboratory.ts";
import type { SlabContext, SlabScenario } from "./scenario.ts";
import { stepText } from "./steps.ts";

/** Steps that only TypeScript can say are printed by their title, which no parser reads. */
export function printScenario(scenario: SlabScenario): string {
  const { name, story, machine, setup, contexts, endsEmpty } = scenario;
  const lines = [`scenario ${name}`];
  if (story !== "") lines.push(`story ${story}`);
  lines.push(...printMachine(machine));
  let cpu = -1;
  for (const { cpu: at, step } of setup) {
    if (at !== cpu) lines.push(`setup cpu ${at}`);
    cpu = at;
    lines.push(`  ${stepText(step)}`);
  }
  for (const context of contexts) lines.push(...printContext(context));
  if (endsEmpty === "shrunk") lines.push("ends empty");
  if (endsEmpty === "by itself") lines.push("ends empty by itself");
  return `${lines.join("\n")}\n`;
}

function printMachine(machine: LaboratoryOptions): string[] {
  const {
    cpus = 1,
    nodes = 1,
    allocator = "slub",
    kernel = DEFAULT_KERNEL,
    swap = "double",
    maxOrder = 0,
    merges = false,
    survivesReports = false,
    kasan = false,
    kfence = 0,
  } = machine;
  const { size, flags = 0, minPartial, cpuPartial, sheafCapacity } = machine;
  const words = [`machine cpus ${cpus} nodes ${nodes} allocator ${allocator} kernel ${kernel}`];
  if (swap !== "double") words.push(`swap ${swap}`);
  if (maxOrder !== 0) words.push(`max_order ${maxOrder}`);
  if (merges) words.push("merges");
  if (survivesReports) words.push("survives_reports");
  if (kasan) words.push("kasan");
  if (kfence !== 0) words.push(`kfence ${kfence}`);
  const cache: string[] = [];
  if (size !== undefined) cache.push(`size ${size}`);
  if (flags !== 0) cache.push(`flags ${describeFlags("4.1", flags).join(",")}`);
  if (minPartial !== undefined) cache.push(`min_partial ${minPartial}`);
  if (cpuPartial !== undefined) cache.push(`cpu_partial ${cpuPartial}`);
  if (sheafCapacity !== undefined) cache.push(`sheaf_capacity ${sheafCapacity}`);
  return cache.length === 0 ? [words.join(" ")] : [words.join(" "), `cache ${cache.join(" ")}`];
}

function printContext({ name, kind, cpu, migrates, operations }: SlabContext): string[] {
  const head = `${kind} ${name} cpu ${cpu}${migrates ? " migrates" : ""}`;
  return [head, ...operations.map((steps) => `  ${steps.map(stepText).join("; ")}`)];
}
