// SPDX-License-Identifier: GPL-2.0-only
/** Finds out in which format a dump is, and reads it. */
import { isKernelLog, readKernelLog } from "./kernel-log.ts";
import { isKmem, readKmem } from "./kmem.ts";
import { isSlabinfo, readProcSlabinfo } from "./proc-slabinfo.ts";
import type { Dump } from "./row.ts";
import { isSlabtop, readSlabtop } from "./slabtop.ts";
import { isGrepped, isTar, readGrepped, readTar } from "./sysfs-files.ts";

/** The dump is in no known format, or says nothing. The message is one clause. */
export class UnreadableDump extends Error {
  override name = "UnreadableDump";
}

const FORMATS: readonly (readonly [is: (text: string) => boolean, read: (text: string) => Dump])[] =
  [
    [isSlabinfo, readProcSlabinfo],
    [isSlabtop, readSlabtop],
    [isKmem, readKmem],
    [isGrepped, readGrepped],
    [isKernelLog, readKernelLog],
  ];

/** @throws UnreadableDump */
export function readDump(bytes: Uint8Array): Dump {
  const dump = isTar(bytes) ? readTar(bytes) : readAsText(new TextDecoder().decode(bytes));
  if (dump.rows.length > 0) return dump;
  const [first] = dump.unread;
  throw new UnreadableDump(
    first === undefined
      ? `has the form of ${dump.format} and names no cache`
      : `has the form of ${dump.format}, but line ${first.number} is no row of it`,
  );
}

function readAsText(text: string): Dump {
  const lines = text.replaceAll("\r\n", "\n");
  const read = FORMATS.find(([is]) => is(lines))?.[1];
  if (read !== undefined) return read(lines);
  throw new UnreadableDump(
    lines.trim() === ""
      ? "is empty"
      : "is none of /proc/slabinfo, slabtop, crash's kmem -s, /sys/kernel/slab, or a kernel log about slab memory",
  );
}
