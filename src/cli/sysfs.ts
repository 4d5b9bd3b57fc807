// SPDX-License-Identifier: GPL-2.0-only
/** `slablab sysfs [CACHE [FILE]]`: /sys/kernel/slab of a machine, in the kernel's own text. */
import type { Command } from "commander";
import { errorText } from "../caches/errno.ts";
import { systemOf } from "../kernel/kernel.ts";
import { merged } from "../machine/dmesg.ts";
import { dmesgText } from "../report/dmesg.ts";
import { SlabSysfs } from "../sysfs/sysfs.ts";
import { badUsage } from "./common.ts";
import { jsonDocument } from "./document.ts";
import { inspected } from "./inspected.ts";
import type { SysfsOptions } from "./options/sysfs.ts";

/** As the options say. */
export function showSysfs(
  command: Command,
  { cache, file }: { readonly cache: string | undefined; readonly file: string | undefined },
  options: SysfsOptions,
): void {
  if (options.allocator === "slab") badUsage(command, "SLAB's caches are not in sysfs");
  const { kernel, dmesg } = inspected(command, options);
  kernel.run(() => {
    const sysfs = new SlabSysfs(systemOf(kernel));
    if (options.write !== undefined) write(command, sysfs, cache, file, options.write);
    const files = read(command, sysfs, cache, file);
    const said = options.dmesg === true ? merged([dmesg.lines]) : undefined;
    process.stdout.write(
      options.json
        ? jsonDocument("sysfs", { cache, file, ...options }, { files, dmesg: said })
        : textOf(files, file) + (said === undefined ? "" : dmesgText(said)),
    );
  });
}

type Files = Record<string, string>;

function read(
  command: Command,
  sysfs: SlabSysfs,
  cache: string | undefined,
  file: string | undefined,
): Files {
  if (cache === undefined) {
    return Object.fromEntries(
      sysfs
        .names()
        .map(({ name, isLink }) => [name, isLink ? `-> ${sysfs.directoryOf(name)}\n` : "\n"]),
    );
  }
  if (sysfs.cacheOf(cache) === undefined) badUsage(command, `there is no cache ${cache}`);
  const wanted = file === undefined ? sysfs.files() : [file];
  return Object.fromEntries(
    wanted.map((name) => {
      const text = sysfs.read(cache, name);
      if (typeof text === "string") return [name, text];
      if (file !== undefined) badUsage(command, `${cache}/${name}: error ${errorText(text)}`);
      return [name, `error ${errorText(text)}\n`];
    }),
  );
}

function write(
  command: Command,
  sysfs: SlabSysfs,
  cache: string | undefined,
  file: string | undefined,
  text: string,
): void {
  if (cache === undefined || file === undefined) {
    badUsage(command, "--write needs a cache and a file");
  }
  const error = sysfs.write(cache, file, text);
  if (error < 0) badUsage(command, `${cache}/${file}: error ${errorText(error)}`);
}

function textOf(files: Files, file: string | undefined): string {
  if (file !== undefined) return files[file] ?? "";
  return Object.entries(files)
    .map(([name, text]) => `${name.padEnd(26)}${text === "" ? "\n" : text}`)
    .join("");
}
