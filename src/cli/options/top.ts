// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab top`. */
import { Command, InvalidArgumentError, Option } from "commander";
import { WORKLOADS } from "../../../stress/workloads/index.ts";
import { SORT_KEYS } from "../../report/slabtop-keys.ts";
import { DMESG, seconds, wholeNumber } from "../common.ts";
import { type KernelOptions, memoryOption, withKernelOptions } from "./kernel.ts";

const KEYS = Object.entries(SORT_KEYS)
  .map(([key, { title }]) => `  ${key}  ${title}`)
  .join("\n");

const HELP = `
Keys, here as --sort and on the screen, where q quits and the space bar refreshes:
${KEYS}

Examples:
  slablab top
  slablab top --workload burst --cpus 8 --sort c
  slablab top --once --seconds 2`;

export interface TopOptions extends KernelOptions {
  cpus: number;
  nodes: number;
  memory: number;
  workload: string;
  seconds: number;
  delay: number;
  sort: string;
  once?: true;
  dmesg?: true;
}

export function topCommand(): Command {
  const command = withKernelOptions(new Command("top"))
    .option("--cpus <n>", "simulated CPUs, a thread each", wholeNumber, 2)
    .option("--nodes <n>", "memory nodes", wholeNumber, 1)
    .addOption(memoryOption())
    .addOption(
      new Option("--workload <name>", "workload").choices([...WORKLOADS.keys()]).default("mixed"),
    )
    .option("--seconds <n>", "time limit in seconds", seconds, 60)
    .option("-d, --delay <n>", "seconds between two screens", seconds, 3)
    .option("-s, --sort <key>", "sort key (see below)", sortKey, "o")
    .option("--dmesg", DMESG)
    .option("-o, --once", "print one screen, at the end")
    .addHelpText("after", HELP);
  return command.action(async (options: TopOptions) => {
    await (await import("../top.ts")).runTop(command, options);
  });
}

function sortKey(written: string): string {
  if (Object.hasOwn(SORT_KEYS, written)) return written;
  throw new InvalidArgumentError(`There are ${Object.keys(SORT_KEYS).join(", ")}.`);
}
