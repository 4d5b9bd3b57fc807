// SPDX-License-Identifier: GPL-2.0-only
/** The screen of procps' slabtop: the sums of all caches, and a line for each cache, sorted. */
import { PAGE_SIZE } from "../machine/machine.ts";
import type { SlabinfoRow } from "../sysfs/slabinfo.ts";
import { pages, SORT_KEYS, use } from "./slabtop-keys.ts";

const PAGE_KIB = PAGE_SIZE / 1024;

const cacheKib = (row: SlabinfoRow): number => pages(row) * PAGE_KIB;

function sorted(rows: readonly SlabinfoRow[], key: string): SlabinfoRow[] {
  const by = SORT_KEYS[key]?.by ?? ((row: SlabinfoRow) => row.numObjs);
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    if (typeof x === "string") return x < String(y) ? -1 : 1;
    return Number(y) - x;
  });
}

/** The screen, at most `lines` caches of it. `key` is one of SORT_KEYS. */
export function slabtopScreen(rows: readonly SlabinfoRow[], key: string, lines: number): string {
  const sum = (of: (row: SlabinfoRow) => number) => rows.reduce((total, r) => total + of(r), 0);
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(2)}K`;
  const share = (part: number, whole: number) =>
    `(${(whole === 0 ? 0 : (100 * part) / whole).toFixed(1)}%)`;
  const used = (
    title: string,
    part: number,
    whole: number,
    write: (n: number) => string = String,
  ) =>
    ` ${`Active / Total ${title} (% used)`.padEnd(35)}: ${write(part)} / ${write(whole)} ${share(part, whole)}`;
  const objects = sum((row) => row.numObjs);
  const bytes = sum((row) => row.numObjs * row.size);
  const sizes = rows.filter((row) => row.numObjs > 0).map((row) => row.size);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)].map((size) =>
    kib(Number.isFinite(size) ? size : 0),
  );
  return [
    used(
      "Objects",
      sum((row) => row.activeObjs),
      objects,
    ),
    used(
      "Slabs",
      sum((row) => row.activeSlabs),
      sum((row) => row.numSlabs),
    ),
    used("Caches", rows.filter((row) => row.numSlabs > 0).length, rows.length),
    used(
      "Size",
      sum((row) => row.activeObjs * row.size),
      bytes,
      kib,
    ),
    ` ${"Minimum / Average / Maximum Object".padEnd(35)}: ${least} / ${kib(objects === 0 ? 0 : bytes / objects)} / ${most}`,
    "",
    "  OBJS ACTIVE  USE OBJ SIZE  SLABS OBJ/SLAB CACHE SIZE NAME",
    ...sorted(rows, key).slice(0, lines).map(cacheLine),
    "",
  ].join("\n");
}

function cacheLine(row: SlabinfoRow): string {
  const right = (value: number | string, width: number) => String(value).padStart(width);
  return [
    right(row.numObjs, 6),
    right(row.activeObjs, 6),
    `${right(use(row), 3)}%`,
    `${right((row.size / 1024).toFixed(2), 7)}K`,
    right(row.numSlabs, 6),
    right(row.objectsPerSlab, 8),
    `${right(cacheKib(row), 9)}K`,
    row.name,
  ].join(" ");
}
