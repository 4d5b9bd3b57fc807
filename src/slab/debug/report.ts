// SPDX-License-Identifier: GPL-2.0-only
/** The text of a DEBUG_SLAB report: damaged memory in rows of 16 bytes, and who had it last. */
import { SLAB_RED_ZONE, SLAB_STORE_USER } from "../../caches/flags.ts";
import { hexRow } from "../../caches/hex-row.ts";
import { since } from "../../caches/kernel-version.ts";
import { digits, pointerText } from "../../caches/pointer-text.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import type { IndexArray } from "../index-array.ts";
import type { SlabContext } from "../slab-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { POISON_END, POISON_FREE } from "./poison.ts";

/** Where an object was last allocated or freed: a number for the place, and its name if known. */
export interface LastUser {
  readonly handle: number;
  readonly place: string | undefined;
}

/** The questions that a report asks about objects. */
export interface ReportedObjects {
  readonly context: SlabContext;
  readonly memory: Memory;
  readonly indexes: IndexArray;
  /** Whether the cache has a debug flag. */
  has(s: KmemCachePtr, flag: number): boolean;
  /** Where the user's bytes begin. */
  start(s: KmemCachePtr, buffer: Address): Address;
  redText(s: KmemCachePtr, buffer: Address): readonly [first: string, second: string];
  lastUser(s: KmemCachePtr, buffer: Address): LastUser | undefined;
}

const BYTES_A_ROW = 16;
/** Damaged rows that are shown of one object. */
const MAX_ROWS = 6;
const NEIGHBOUR_ROWS = 2;

/** The report of check_poison_obj on a free object of which some bytes are wrong. */
export function corruption(on: ReportedObjects, s: KmemCachePtr, buffer: Address): string[] {
  const { common } = on.context;
  const at = on.start(s, buffer);
  const size = on.memory.read32(s + KmemCache.objectSize);
  return [
    `Slab corruption (${common.taint.text}): ${common.nameOf(s)} start=${digits(at)}, len=${size}`,
    ...objectInfo(on, s, buffer, 0),
    ...damagedRows(on.memory, at, size),
    ...neighbours(on, s, buffer),
  ];
}

/**
 * The rows in which a byte is not its poison. The search goes on behind the first byte of the next
 * row, as the kernel's does, so that a row with only its first byte wrong may be missed.
 */
function damagedRows(memory: Memory, at: Address, size: number): string[] {
  const lines: string[] = [];
  let shown = 0;
  for (let i = 0; i < size && shown < MAX_ROWS; i++) {
    const expected = i === size - 1 ? POISON_END : POISON_FREE;
    if (memory.read8(at + i) === expected) continue;
    const row = i - (i % BYTES_A_ROW);
    lines.push(...dumpLine(memory, at, row, size));
    shown++;
    i = row + BYTES_A_ROW;
  }
  return lines;
}

/**
 * dump_line: a row of an object. If one byte differs from the poison, by one bit, memory is suspected:
 * it decays like that, programs seldom write like that.
 */
function dumpLine(memory: Memory, at: Address, offset: number, size: number): string[] {
  const length = Math.min(BYTES_A_ROW, size - offset);
  const bytes = Array.from({ length }, (_, i) => memory.read8(at + offset + i));
  const line = `${offset.toString(16).padStart(3, "0")}: ${hexRow(bytes)}`;
  const errors = bytes.map((byte) => byte ^ POISON_FREE).filter((error) => error !== 0);
  const [error = 0] = errors;
  if (errors.length !== 1 || (error & (error - 1)) !== 0) return [line];
  return [
    line,
    "Single bit error detected. Probably bad RAM.",
    "Run memtest86+ or a similar memory test tool.",
  ];
}

/** print_objinfo: red zones, last user and the first `rows` rows of an object. */
export function objectInfo(
  on: ReportedObjects,
  s: KmemCachePtr,
  buffer: Address,
  rows: number,
): string[] {
  const at = on.start(s, buffer);
  const size = on.memory.read32(s + KmemCache.objectSize);
  const shown = Math.min(rows, Math.ceil(size / BYTES_A_ROW));
  // The line of the red zones lost its full stop in 4.10.
  const stop = since(on.context.common.kernel, "4.10") ? "" : ".";
  return [
    ...(on.has(s, SLAB_RED_ZONE) ? [`Redzone: ${on.redText(s, buffer).join("/")}${stop}`] : []),
    ...(on.has(s, SLAB_STORE_USER) ? [lastUserLine(on, s, buffer)] : []),
    ...Array.from({ length: shown }, (_, i) =>
      dumpLine(on.memory, at, i * BYTES_A_ROW, size),
    ).flat(),
  ];
}

/** Until 4.10 the address of the place stood in front of its name. */
function lastUserLine(on: ReportedObjects, s: KmemCachePtr, buffer: Address): string {
  const { kernel } = on.context.common;
  const { handle = 0, place } = on.lastUser(s, buffer) ?? {};
  if (since(kernel, "4.10")) return `Last user: (${place ?? "0x0"})`;
  const number = pointerText(kernel, handle).slice("0x".length);
  return `Last user: [<${number}>](${place ?? number})`;
}

/** The objects before and behind: the one that overran its end is often among them. */
function neighbours(on: ReportedObjects, s: KmemCachePtr, buffer: Address): string[] {
  const { context, indexes, memory } = on;
  const page = context.pages.virtToHeadPage(buffer);
  const index = indexes.indexOf(s, page, buffer);
  const size = memory.read32(s + KmemCache.objectSize);
  const tell = (what: string, i: number): string[] => {
    const other = indexes.objectAt(s, page, i);
    const start = digits(on.start(s, other));
    return [
      `${what} obj: start=${start}, len=${size}`,
      ...objectInfo(on, s, other, NEIGHBOUR_ROWS),
    ];
  };
  const before = index > 0 ? tell("Prev", index - 1) : [];
  const behind = index + 1 < memory.read32(s + KmemCache.num) ? tell("Next", index + 1) : [];
  return [...before, ...behind];
}
