// SPDX-License-Identifier: GPL-2.0-only
/**
 * The screen of procps' slabtop. Sizes are rounded to hundredths of a KiB, so that the exact one is
 * only known to lie between two bounds.
 */
import type { Dump, DumpRow, UnreadLine } from "./row.ts";

const HEADER = /^\s*OBJS\s+ACTIVE\s+USE\s+OBJ SIZE\s+SLABS\s+OBJ\/SLAB\s+CACHE SIZE\s+NAME/m;
const ROW = /^\s*(\d+)\s+(\d+)\s+\d+%\s+([\d.]+)K\s+(\d+)\s+(\d+)\s+(\d+)K?\s+(\S.*?)\s*$/;
const KIB = 1024;
const PAGE_KIB = 4;
const WORD = 8;

export function isSlabtop(text: string): boolean {
  return HEADER.test(text);
}

export function readSlabtop(text: string): Dump {
  const rows: DumpRow[] = [];
  const unread: UnreadLine[] = [];
  let isBelow = false;
  for (const [i, line] of text.split("\n").entries()) {
    if (HEADER.test(line)) isBelow = true;
    else if (isBelow && line.trim() !== "") {
      const row = rowOf(line);
      if (row === undefined) unread.push({ number: i + 1, text: line.trim() });
      else rows.push(row);
    }
  }
  return { format: "slabtop", rows, unread };
}

function rowOf(line: string): DumpRow | undefined {
  const found = ROW.exec(line);
  if (found === null) return undefined;
  const [, total, active, size, slabs, objectsPerSlab, cache, name] = found;
  const row = {
    name: String(name),
    total: Number(total),
    active: Number(active),
    slabs: Number(slabs),
    objectsPerSlab: Number(objectsPerSlab),
  };
  const kib = Number(cache);
  const pages = row.slabs === 0 ? undefined : kib / row.slabs / PAGE_KIB;
  return {
    ...row,
    ...sizesOf(Number(size)),
    ...(pages === undefined || !Number.isInteger(pages) ? {} : { pagesPerSlab: pages }),
    totalBytes: kib * KIB,
  };
}

/** All multiples of a word that are shown like this; where there is but one, it is the size. */
function sizesOf(shown: number): Pick<DumpRow, "size" | "sizes"> {
  const least = Math.ceil(((shown - 0.005) * KIB) / WORD) * WORD;
  const most = Math.floor(((shown + 0.005) * KIB) / WORD) * WORD;
  return least === most ? { size: least } : { sizes: [Math.max(least, WORD), most] };
}
