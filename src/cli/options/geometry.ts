// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab geometry`. */
import { Command, InvalidArgumentError } from "commander";
import { BUILD_OPTIONS, type BuildOption, flagNames } from "../../caches/flags.ts";
import { DEFAULT_KERNEL } from "../../caches/kernel-version.ts";
import {
  configOption,
  type KernelOptions,
  parameterOption,
  withOptionalKernelOptions,
} from "./kernel.ts";

const EXAMPLES = `
Examples:
  slablab geometry --size 192
  slablab geometry --size 1000 --flags HWCACHE_ALIGN,RECLAIM_ACCOUNT --cpus 16
  slablab geometry --size 256 --kernel 6.1 --param slub_debug=FZPU --json
  slablab geometry --allocator slab --size 700 --config DEBUG_SLAB
  echo '{"size":192,"params":{"slub_max_order":0}}' | slablab geometry --stdin

Flags of 4.1: ${flagNames("4.1").join(", ")}
Build options: ${BUILD_OPTIONS.join(", ")}`;

export interface GeometryOptions extends Partial<KernelOptions> {
  name?: string;
  size?: number;
  align?: number;
  flags?: string;
  ctor?: true;
  cpus?: number;
  possibleCpus?: number;
  nodes?: number;
  param?: Record<string, string>;
  config?: BuildOption[];
  stdin?: true;
  json?: true;
}

/** The command, ready to be added to the program. */
export function geometryCommand(): Command {
  const command = withOptionalKernelOptions(new Command("geometry"), {
    allocator: "(default: slub)",
    kernel: `(default: ${DEFAULT_KERNEL})`,
  })
    .option("--size <bytes>", "object size", number)
    .option("--align <bytes>", "object alignment", number)
    .option("--flags <flags>", "cache flags: a number, or comma-separated names")
    .option("--ctor", "objects have a constructor")
    .option("--name <name>", "name of the cache, for slub_debug= with a list of names")
    .option("--cpus <n>", "CPUs present (default: 1)", number)
    .option("--possible-cpus <n>", "possible CPUs (default: those present)", number)
    .option("--nodes <n>", "memory nodes (default: 1)", number)
    .addOption(parameterOption())
    .addOption(configOption())
    .option("--stdin", "read one JSON object per line, print one answer per line")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES);
  return command.action(async (options: GeometryOptions) => {
    await (await import("../geometry.ts")).answer(command, options);
  });
}

function number(written: string): number {
  const value = written.trim() === "" ? Number.NaN : Number(written);
  if (Number.isNaN(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}
