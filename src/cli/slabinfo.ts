// SPDX-License-Identifier: GPL-2.0-only
/**
 * `slablab slabinfo`: /proc/slabinfo of a machine, or the views of the kernel's slabinfo tool. With a
 * file: what the slab caches of a real machine mean, of which the file is a dump.
 */
import type { Command } from "commander";
import { EIO, errorText } from "../caches/errno.ts";
import { type Kernel, systemOf } from "../kernel/kernel.ts";
import { merged } from "../machine/dmesg.ts";
import { quoted } from "../machine/quoted.ts";
import { dmesgText } from "../report/dmesg.ts";
import { dumpReport } from "../report/dump.ts";
import { aliasView, listView } from "../report/slabinfo.ts";
import { reportView } from "../report/slabinfo-report.ts";
import { totalsView } from "../report/slabinfo-totals.ts";
import { type CacheFacts, cacheFacts } from "../sysfs/cache-facts.ts";
import { explain } from "../sysfs/dump/explain.ts";
import { readDump, UnreadableDump } from "../sysfs/dump/read.ts";
import type { Dump } from "../sysfs/dump/row.ts";
import { readSlabinfo, slabinfoRows, writeSlabinfo } from "../sysfs/slabinfo.ts";
import { SlabSysfs } from "../sysfs/sysfs.ts";
import { badUsage } from "./common.ts";
import { jsonDocument } from "./document.ts";
import { readBytes } from "./files.ts";
import { inspected } from "./inspected.ts";
import type { SlabinfoOptions } from "./options/slabinfo.ts";

/** As the options say. */
export async function showSlabinfo(
  command: Command,
  file: string | undefined,
  options: SlabinfoOptions,
): Promise<void> {
  if (file !== undefined) {
    await explainFile(command, file, options);
    return;
  }
  const { kernel, dmesg } = inspected(command, options);
  const tool = options.list ?? options.aliases ?? options.totals ?? options.report;
  if (tool !== undefined && options.allocator === "slab") {
    badUsage(command, "the views are made from sysfs, which SLAB's caches are not in");
  }
  kernel.run(() => {
    if (options.write !== undefined) write(command, kernel, options.write);
    const text =
      tool === undefined
        ? readSlabinfo(systemOf(kernel))
        : view(command, options, cacheFacts(new SlabSysfs(systemOf(kernel))));
    const said = options.dmesg === true ? merged([dmesg.lines]) : undefined;
    process.stdout.write(
      options.json
        ? jsonDocument(
            "slabinfo",
            { ...options },
            { text, caches: slabinfoRows(systemOf(kernel)), dmesg: said },
          )
        : text + (said === undefined ? "" : dmesgText(said)),
    );
  });
}

/** Options of a machine of its own say nothing about a file. */
async function explainFile(
  command: Command,
  file: string,
  options: SlabinfoOptions,
): Promise<void> {
  const other = command.options.find((option) => {
    const name = option.attributeName();
    return name !== "json" && command.getOptionValueSource(name) === "cli";
  });
  if (other !== undefined) badUsage(command, `${other.long} says nothing about a file`);
  const dump = readOrRefuse(command, file, await readBytes(file));
  const explanation = explain(dump);
  process.stdout.write(
    options.json
      ? jsonDocument("slabinfo", { file }, { dump, explanation })
      : dumpReport(dump, explanation),
  );
}

function readOrRefuse(command: Command, file: string, bytes: Uint8Array): Dump {
  try {
    return readDump(bytes);
  } catch (error) {
    if (!(error instanceof UnreadableDump)) throw error;
    const name = file === "-" ? "standard input" : quoted(file);
    return badUsage(command, `${name} ${error.message}`);
  }
}

function write(command: Command, kernel: Kernel, text: string): void {
  const error = writeSlabinfo(systemOf(kernel), text);
  const why =
    error === -EIO ? ": SLUB has no queues that could be tuned, so Linux refuses every write" : "";
  if (error < 0)
    badUsage(command, `writing "${text}" to slabinfo: error ${errorText(error)}${why}`);
}

function view(command: Command, options: SlabinfoOptions, caches: CacheFacts[]): string {
  if (options.aliases) return aliasView(caches);
  const { report, kernel } = options;
  if (options.totals) return totalsView(caches, kernel);
  if (report === undefined) return listView(caches, kernel);
  const found = caches.find((cache) =>
    [cache.name, cache.directory, ...cache.links].includes(report),
  );
  return found === undefined
    ? badUsage(command, `there is no cache ${report}; --list shows those with slabs`)
    : reportView(found, kernel);
}
