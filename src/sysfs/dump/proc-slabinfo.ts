// SPDX-License-Identifier: GPL-2.0-only
/**
 * /proc/slabinfo of any kernel. Each version is another line:
 *
 *     1.0   name active total
 *     1.1   name active total size active_slabs slabs pages [ : limit batchcount]
 *     2.0   name active total size per_slab pages : tunables batchcount limit shared : slabdata …
 *     2.1   the same with limit before batchcount
 *
 * (`slabdata` is followed by active_slabs, slabs and sharedavail; statistics may come behind.) A
 * line without a header above it, as people paste them, is read as 2.1.
 */
import type { Dump, DumpRow, UnreadLine } from "./row.ts";

const VERSION = /^slabinfo - version: (\d+\.\d+)/;
const NAME = /^(?<name>\S.*?)\s+(?<numbers>\d+(?:\s+\d+)+)\s*$/;

type Numbers = readonly number[];

/** What a version's lines are like. */
interface Format {
  readonly isOld?: true;
  readonly batchcountFirst?: true;
  /** It came after SLUB, so that it may be either allocator's. */
  readonly isEithers?: true;
}

const PASTED: Format = { isEithers: true };
const FORMATS: Readonly<Record<string, Format>> = {
  "1.0": { isOld: true },
  "1.1": { isOld: true },
  "1.2": { isOld: true },
  "2.0": { batchcountFirst: true },
  "2.1": PASTED,
};

export function isSlabinfo(text: string): boolean {
  return /^\s*slabinfo - version:/m.test(text) || /: tunables .*: slabdata /.test(text);
}

export function readProcSlabinfo(text: string): Dump {
  let version = "2.1";
  let format = PASTED;
  const rows: DumpRow[] = [];
  const unread: UnreadLine[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    const stated = VERSION.exec(line.trim())?.[1];
    if (stated !== undefined) {
      version = stated;
      format = FORMATS[stated] ?? PASTED;
    } else if (line.trim() !== "" && !line.trim().startsWith("#")) {
      const row = format.isOld ? oldRow(line.trim()) : presentRow(line.trim(), format);
      if (row === undefined) unread.push({ number: i + 1, text: line.trim() });
      else rows.push(row);
    }
  }
  return { format: `/proc/slabinfo ${version}`, rows, unread, ...allocatorOf(format, rows) };
}

/** Queues of SLUB caches have no sizes. Before 2.6.22 there was no SLUB. */
function allocatorOf(format: Format, rows: readonly DumpRow[]): Pick<Dump, "allocator"> {
  if (format.isEithers === undefined) return { allocator: "slab" };
  const limits = rows.map(({ tunables }) => tunables?.[0] ?? 0);
  return { allocator: limits.some((limit) => limit > 0) ? "slab" : "slub" };
}

/** The name, which may have spaces in it, and the numbers behind it. */
function nameAndNumbers(part: string): { name: string; numbers: Numbers } | undefined {
  const found = NAME.exec(part)?.groups;
  if (found === undefined) return undefined;
  return { name: String(found.name), numbers: String(found.numbers).split(/\s+/).map(Number) };
}

function oldRow(line: string): DumpRow | undefined {
  const [first = "", queues = ""] = line.split(" : ");
  const read = nameAndNumbers(first);
  if (read === undefined) return undefined;
  const { name, numbers } = read;
  const [active = 0, total = 0, size, activeSlabs, slabs, pagesPerSlab] = numbers;
  if (numbers.length < 6) return numbers.length === 2 ? { name, active, total } : undefined;
  const [limit, batchcount] = queues.trim().split(/\s+/).map(Number);
  const known = limit !== undefined && batchcount !== undefined && Number.isInteger(batchcount);
  return {
    name,
    active,
    total,
    ...{ size: size ?? 0, activeSlabs: activeSlabs ?? 0, slabs: slabs ?? 0 },
    pagesPerSlab: pagesPerSlab ?? 1,
    // Version 1 does not tell it: what all slabs hold together does.
    ...(slabs === undefined || slabs === 0 || total % slabs !== 0
      ? {}
      : { objectsPerSlab: total / slabs }),
    ...(known ? { tunables: [limit, batchcount, 0] as const } : {}),
  };
}

function presentRow(line: string, format: Format): DumpRow | undefined {
  const read = nameAndNumbers(line.split(" : ")[0] ?? "");
  if (read === undefined || read.numbers.length < 5) return undefined;
  const [active = 0, total = 0, size = 0, objectsPerSlab = 0, pagesPerSlab = 0] = read.numbers;
  const row = { name: read.name, active, total, size, objectsPerSlab, pagesPerSlab };
  const slabdata = numbersBehind(line, "slabdata", 3);
  const tunables = numbersBehind(line, "tunables", 3);
  const [a = 0, b = 0, shared = 0] = tunables ?? [];
  const [activeSlabs = 0, slabs = 0] = slabdata ?? [];
  return {
    ...row,
    ...(slabdata === undefined ? {} : { activeSlabs, slabs }),
    ...(tunables === undefined
      ? {}
      : { tunables: format.batchcountFirst ? [b, a, shared] : [a, b, shared] }),
  };
}

function numbersBehind(line: string, word: string, count: number): Numbers | undefined {
  const found = new RegExp(`: ${word}\\s+(\\d+(?:\\s+\\d+){${count - 1}})`).exec(line)?.[1];
  return found?.split(/\s+/).map(Number);
}
