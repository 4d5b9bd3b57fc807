// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a dump means: how much memory its caches take and waste, by which kernel's rules they have
 * their shapes, which of them only debugging explains, and which nothing does.
 */
import { ALLOCATORS } from "../../caches/flags.ts";
import { hasSlab, KERNEL_VERSIONS } from "../../caches/kernel-version.ts";
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Dump, DumpRow } from "./row.ts";
import {
  debuggingOf,
  hasKmallocCache,
  isPlain,
  plainOrders,
  promisedSize,
  type Rules,
  sizesOf,
} from "./shapes.ts";

/** Machines whose rules differ: the least number of CPUs of each kind. */
const CPUS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const PAGE_SIZES = [PAGE_SIZE, 8192, 16_384, 65_536];
/** Of the rows, so many must fit into their slabs for a page size to be believed. */
const BELIEVED = 0.95;

export interface Space {
  readonly name: string;
  /** Bytes of all slabs, and of the objects in use. */
  readonly bytes: number;
  readonly used: number;
  readonly waste: number;
}

export interface Fit extends Rules {
  /** The greatest number of CPUs that fits as well; undefined: no limit. */
  readonly mostCpus: number | undefined;
  /** Caches that have their shape by these rules, with debugging or without. */
  readonly fitting: number;
}

export interface Remark {
  readonly name: string;
  readonly text: string;
}

export interface Explanation {
  readonly pageSize: number;
  /** Caches whose shape is told. */
  readonly shaped: number;
  readonly caches: readonly Space[];
  readonly objects: { readonly active: number; readonly total: number };
  readonly slabs: number;
  /** The best machine of each allocator and kernel, best first. */
  readonly fits: readonly Fit[];
  /** Why no shapes are compared with those of the rules; undefined: they are. */
  readonly incomparable: string | undefined;
  readonly debugged: readonly Remark[];
  readonly unexplained: readonly Remark[];
  /** Caches that have slabs of the smallest order. */
  readonly small: readonly Remark[];
}

export function explain(dump: Dump): Explanation {
  const pageSize = pageSizeOf(dump.rows);
  const shaped = dump.rows.filter(hasShape);
  const why = incomparable(shaped, pageSize);
  const fits = why === undefined ? fitsOf(dump, shaped) : [];
  const [best] = fits;
  const sum = (of: (row: DumpRow) => number | undefined) =>
    dump.rows.reduce((total, row) => total + (of(row) ?? 0), 0);
  const caches = dump.rows.flatMap((row) => spaceOf(row, pageSize) ?? []);
  return {
    pageSize,
    shaped: shaped.length,
    caches: caches.sort((a, b) => b.bytes - a.bytes),
    objects: { active: sum((row) => row.active), total: sum((row) => row.total) },
    slabs: sum((row) => row.slabs),
    fits,
    incomparable: why,
    debugged: debugRemarks(best, shaped),
    unexplained: shaped.flatMap((row) => unexplained(row, pageSize, fits)),
    small: shaped.flatMap((row) => smallSlabs(row, pageSize)),
  };
}

/** The rules count in pages of 4096 bytes and words of 8, and are no older than 3.13. */
function incomparable(rows: readonly DumpRow[], pageSize: number): string | undefined {
  if (rows.length === 0) return "the dump tells no shapes";
  if (pageSize !== PAGE_SIZE) return `the machine has pages of ${pageSize} bytes`;
  if (rows.some(({ size = 0 }) => size % 8 !== 0)) {
    return "sizes are no multiples of 8: a machine of 32 bits";
  }
  const isOld = rows.some(({ name }) => /^size-\d+/.test(name));
  return isOld ? "SLAB had other rules before Linux 3.13" : undefined;
}

function hasShape(row: DumpRow): boolean {
  const hasSlabSize = row.pagesPerSlab !== undefined || row.slabBytes !== undefined;
  return hasSlabSize && row.objectsPerSlab !== undefined && sizesOf(row).length > 0;
}

/** The smallest page of which the slabs are large enough for their objects. */
function pageSizeOf(rows: readonly DumpRow[]): number {
  const sized = rows.filter(({ size, objectsPerSlab, pagesPerSlab }) =>
    [size, objectsPerSlab, pagesPerSlab].every((value) => value !== undefined),
  );
  const holds = (row: DumpRow, pageSize: number) =>
    (row.size ?? 0) * (row.objectsPerSlab ?? 0) <= (row.pagesPerSlab ?? 0) * pageSize;
  const believed = PAGE_SIZES.find(
    (pageSize) => sized.filter((row) => holds(row, pageSize)).length >= BELIEVED * sized.length,
  );
  return believed ?? PAGE_SIZE;
}

function slabBytesOf({ slabBytes, pagesPerSlab }: DumpRow, pageSize: number): number | undefined {
  return slabBytes ?? (pagesPerSlab === undefined ? undefined : pagesPerSlab * pageSize);
}

function spaceOf(row: DumpRow, pageSize: number): Space | undefined {
  const { name, active, slabs, totalBytes, activeBytes } = row;
  const each = slabBytesOf(row, pageSize);
  const bytes =
    totalBytes ?? (each === undefined || slabs === undefined ? undefined : each * slabs);
  const size = row.size ?? row.objectSize ?? row.sizes?.[0];
  const used =
    activeBytes ?? (active === undefined || size === undefined ? undefined : active * size);
  if (bytes === undefined || used === undefined) return undefined;
  return { name, bytes, used, waste: Math.max(bytes - used, 0) };
}

// ---- rules ----

function fitsOf(dump: Dump, rows: readonly DumpRow[]): Fit[] {
  const wanted = ALLOCATORS.filter((allocator) => (dump.allocator ?? allocator) === allocator);
  const fits = wanted.flatMap((allocator) =>
    KERNEL_VERSIONS.filter((kernel) => allocator === "slub" || hasSlab(kernel)).map((kernel) =>
      bestMachine(CPUS.map((cpus) => fitOf({ allocator, kernel, cpus }, rows))),
    ),
  );
  return fits.sort((a, b) => b.fitting - a.fitting);
}

/** The first of the best, up to the last in a row that is as good. */
function bestMachine(fits: readonly Omit<Fit, "mostCpus">[]): Fit {
  const most = Math.max(...fits.map(({ fitting }) => fitting));
  const first = fits.findIndex(({ fitting }) => fitting === most);
  const behind = fits.slice(first).find(({ fitting }) => fitting < most);
  const mostCpus = behind === undefined ? undefined : behind.cpus - 1;
  return { ...(fits[first] as Fit), mostCpus };
}

function fitOf(rules: Rules, rows: readonly DumpRow[]): Omit<Fit, "mostCpus"> {
  const fitting = rows.filter((row) => {
    const isKmalloc = /kmalloc-/.test(row.name) && promisedSize(row.name) !== undefined;
    if (isKmalloc && !hasKmallocCache(rules, row.name)) return false;
    return isPlain(rules, row) || debuggingOf(rules, row) !== undefined;
  }).length;
  return { ...rules, fitting };
}

// ---- remarks ----

function debugRemarks(best: Fit | undefined, rows: readonly DumpRow[]): Remark[] {
  return rows.flatMap((row) => {
    const { name, debug = "" } = row;
    if (debug !== "") return { name, text: `${shapeText(row)}: debugging ${debug} is on` };
    if (best === undefined || isPlain(best, row)) return [];
    const why = debuggingOf(best, row);
    return why === undefined ? [] : { name, text: `${shapeText(row)}: ${why}` };
  });
}

/** `3072 bytes, 10 a slab, order 3` */
function shapeText(row: DumpRow): string {
  const { size = row.sizes?.join(" to ") ?? row.objectSize, objectsPerSlab, pagesPerSlab } = row;
  const slab =
    pagesPerSlab === undefined ? `slabs of ${row.slabBytes} bytes` : orderText(pagesPerSlab);
  return `${size} bytes, ${objectsPerSlab} a slab, ${slab}`;
}

function orderText(pages: number): string {
  const order = Math.log2(pages);
  return Number.isInteger(order) ? `order ${order}` : `${pages} pages`;
}

function unexplained(row: DumpRow, pageSize: number, fits: readonly Fit[]): Remark[] {
  const [best] = fits;
  const { name, objectsPerSlab = 0, debug = "" } = row;
  const remark = (why: string): Remark[] => [{ name, text: `${shapeText(row)}: ${why}` }];
  const bytes = slabBytesOf(row, pageSize) ?? 0;
  const sizes = sizesOf(row);
  const most = Math.max(...sizes.map((size) => Math.floor(bytes / size)));
  if (objectsPerSlab > most) return remark(`a slab of ${bytes} bytes holds ${most}`);
  if (best === undefined || debug !== "") return [];
  const everybody = fits.flatMap((fit) => CPUS.map((cpus) => ({ ...fit, cpus })));
  const isKnown = everybody.some(
    (rules) => isPlain(rules, row) || debuggingOf(rules, row) !== undefined,
  );
  if (isKnown) return [];
  const promised = promisedSize(name);
  if (promised !== undefined && !sizes.includes(promised)) {
    return remark(`its name promises ${promised} bytes, and no debugging makes this of them`);
  }
  if (best.allocator === "slub" && objectsPerSlab < most) {
    return remark(`${most} fit into a slab of ${bytes} bytes`);
  }
  const orders = new Set(everybody.flatMap((rules) => sizes.flatMap((s) => plainOrders(rules, s))));
  return remark(`the rules give order ${[...orders].sort().join(" or ")}`);
}

/** SLUB falls back to smaller slabs: fewer objects than the slabs of the wanted order would hold. */
function smallSlabs(row: DumpRow, pageSize: number): Remark[] {
  const { name, total, slabs, objectsPerSlab, size, pagesPerSlab = 1 } = row;
  if ([total, slabs, objectsPerSlab, size].includes(undefined) || row.tunables?.[0]) return [];
  const missing = Number(slabs) * Number(objectsPerSlab) - Number(total);
  const least = 2 ** Math.ceil(Math.log2(Math.max(Number(size) / pageSize, 1)));
  const fewer = Number(objectsPerSlab) - Math.floor((least * pageSize) / Number(size));
  if (missing <= 0 || least >= pagesPerSlab || fewer <= 0) return [];
  const count = missing / fewer;
  const share = Number.isInteger(count) ? `${count}` : "some";
  return [
    {
      name,
      text: `${share} of ${slabs} slabs are of ${orderText(least)}, not of ${orderText(pagesPerSlab)}`,
    },
  ];
}
