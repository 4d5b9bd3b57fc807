// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab sysfs`. */
import { Command } from "commander";
import { type InspectedOptions, withMachineOptions } from "./machine.ts";

const EXAMPLES = `
Examples:
  slablab sysfs                                    directories and links
  slablab sysfs kmalloc-64 --after mixed           every file of a cache
  slablab sysfs kmalloc-64 alloc_fastpath --after mixed --cpus 4
  slablab sysfs kmalloc-64 order --write 1         write it, then read it`;

export interface SysfsOptions extends InspectedOptions {
  write?: string;
  json?: true;
}

export function sysfsCommand(): Command {
  const command = withMachineOptions(
    new Command("sysfs")
      .argument("[cache]", "a directory or a link")
      .argument("[file]", "one file of it"),
  )
    .option("--write <text>", "text to write to the file first")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES);
  return command.action(
    async (cache: string | undefined, file: string | undefined, options: SysfsOptions) => {
      (await import("../sysfs.ts")).showSysfs(command, { cache, file }, options);
    },
  );
}
