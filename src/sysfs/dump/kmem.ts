// SPDX-License-Identifier: GPL-2.0-only
/**
 * The list of caches that the crash utility prints (`kmem -s`). The name stood in the second column,
 * and stands in the last one since crash 7.2.4. OBJSIZE is what an object's user gets.
 */
import type { Dump, DumpRow, UnreadLine } from "./row.ts";

const HEADER = /^\s*CACHE\s+(NAME\s+)?OBJSIZE\s+ALLOCATED\s+TOTAL\s+SLABS\s+SSIZE(\s+NAME)?\s*$/m;
/** Counts that crash could not gather are question marks. */
const CELLS = "(\\d+)\\s+(\\d+|\\?)\\s+(\\d+|\\?)\\s+(\\d+|\\?)\\s+(\\d+)k";
const NAME_FIRST = new RegExp(`^\\s*[0-9a-f]+\\s+(\\S.*?)\\s+${CELLS}\\s*$`);
const NAME_LAST = new RegExp(`^\\s*[0-9a-f]+\\s+${CELLS}\\s+(\\S.*?)\\s*$`);

export function isKmem(text: string): boolean {
  return HEADER.test(text);
}

export function readKmem(text: string): Dump {
  const rows: DumpRow[] = [];
  const unread: UnreadLine[] = [];
  let isNameLast: boolean | undefined;
  for (const [i, line] of text.split("\n").entries()) {
    const header = HEADER.exec(line);
    if (header !== null) isNameLast = header[2] !== undefined;
    else if (isNameLast !== undefined && /^\s*[0-9a-f]{8}/.test(line)) {
      const row = rowOf(line, isNameLast);
      if (row === undefined) unread.push({ number: i + 1, text: line.trim() });
      else rows.push(row);
    }
  }
  return { format: "kmem -s", rows, unread };
}

function rowOf(line: string, isNameLast: boolean): DumpRow | undefined {
  const found = (isNameLast ? NAME_LAST : NAME_FIRST).exec(line);
  if (found === null) return undefined;
  const cells = found.slice(1);
  const name = String(isNameLast ? cells.pop() : cells.shift());
  const [objectSize = 0, active = 0, total = 0, slabs = 0, kib = 0] = cells.map(Number);
  const row = { name, objectSize, slabBytes: kib * 1024 };
  if (cells.includes("?")) return row;
  const perSlab = slabs > 0 && total % slabs === 0 ? { objectsPerSlab: total / slabs } : {};
  return { ...row, active, total, slabs, ...perSlab };
}
