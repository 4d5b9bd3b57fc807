// SPDX-License-Identifier: GPL-2.0-only
/** The options of `slablab slabinfo`. */
import { Command } from "commander";
import { type InspectedOptions, withMachineOptions } from "./machine.ts";

const EXAMPLES = `
Examples:
  slablab slabinfo
  slablab slabinfo --after mixed --cpus 4 --list
  slablab slabinfo --after mixed --report kmalloc-64
  slablab slabinfo --allocator slab --after pairs --cpus 2
  slablab slabinfo --allocator slab --write "kmalloc-64 60 30 4"
  slablab slabinfo --allocator slab --config DEBUG_SLAB --after mixed
  sudo cat /proc/slabinfo | slablab slabinfo -
  sudo tar cz /sys/kernel/slab | slablab slabinfo -

Files: /proc/slabinfo 1.0 to 2.1, the screen of slabtop, kmem -s of crash, /sys/kernel/slab as a tar
file or from \`grep -r .\`, and kernel logs of a machine without memory.`;

export interface SlabinfoOptions extends InspectedOptions {
  list?: true;
  aliases?: true;
  totals?: true;
  report?: string;
  write?: string;
  json?: true;
}

export function slabinfoCommand(): Command {
  const command = withMachineOptions(
    new Command("slabinfo").argument(
      "[file]",
      "dump of a real machine's caches (see below); - reads standard input",
    ),
  )
    .option("-l, --list", "the kernel tool's list: objects, space, slabs of each cache")
    .option("-a, --aliases", "names of the same cache")
    .option("-T, --totals", "all caches together")
    .option("-r, --report <cache>", "everything about one cache")
    .option("--write <text>", "line to write first: name limit batchcount sharedfactor")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES);
  return command.action(async (file: string | undefined, options: SlabinfoOptions) => {
    await (await import("../slabinfo.ts")).showSlabinfo(command, file, options);
  });
}
