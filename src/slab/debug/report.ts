// SPDX-License-Identifier: GPL-2.0-only
/** The text of a DEBUG_SLAB report: memory in lines of 16 bytes, and its last user. */
import { SLAB_RED_ZONE } from "../../caches/flags.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import type { IndexArray } from "../index-array.ts";
import type { SlabContext } from "../slab-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { POISON_END, POISON_FREE } from "./poison.ts";

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
  lastUser(s: KmemCachePtr, buffer: Address): { task: number; cpu: number } | undefined;
}

const BYTES_A_LINE = 16;
/** Damaged lines that are shown of one object. */
const MAX_LINES = 6;

export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** dump_line */
function dumpLine(memory: Memory, at: Address, offset: number, length: number): string {
  const bytes = Array.from({ length }, (_, i) =>
    memory
      .read8(at + offset + i)
      .toString(16)
      .padStart(2, "0"),
  );
  return `${offset.toString(16).padStart(3, "0")}: ${bytes.join(" ")}`;
}

/**
 * The lines of a free object in which a byte is not its poison. A line with one wrong byte that
 * differs by one bit says so: memory decays like that, programs seldom write like that.
 */
export function dumpLines(memory: Memory, at: Address, size: number): string[] {
  const lines: string[] = [];
  let shown = 0;
  for (let offset = 0; offset < size && shown < MAX_LINES; offset += BYTES_A_LINE) {
    const length = Math.min(BYTES_A_LINE, size - offset);
    const errors = wrongBits(memory, at, offset, length, size);
    if (errors.length === 0) continue;
    shown++;
    lines.push(dumpLine(memory, at, offset, length));
    const [error = 0] = errors;
    if (errors.length === 1 && (error & (error - 1)) === 0) {
      lines.push("Single bit error detected. Probably bad RAM.");
    }
  }
  return lines;
}

/** The bits by which each wrong byte of a line differs. */
function wrongBits(
  memory: Memory,
  at: Address,
  offset: number,
  length: number,
  size: number,
): number[] {
  return Array.from({ length }, (_, i) => {
    const expected = offset + i === size - 1 ? POISON_END : POISON_FREE;
    return memory.read8(at + offset + i) ^ expected;
  }).filter((error) => error !== 0);
}

/** print_objinfo: red zones, last user and the first `lines` lines of an object. */
export function objectInfo(
  checks: ReportedObjects,
  s: KmemCachePtr,
  buffer: Address,
  lines: number,
): string[] {
  const { memory } = checks;
  const info: string[] = [];
  if (checks.has(s, SLAB_RED_ZONE)) info.push(`Redzone: ${checks.redText(s, buffer).join("/")}.`);
  const user = checks.lastUser(s, buffer);
  if (user !== undefined) info.push(`Last user: task ${user.task} on CPU ${user.cpu}`);
  const at = checks.start(s, buffer);
  const size = memory.read32(s + KmemCache.objectSize);
  for (let i = 0; i < lines && i * BYTES_A_LINE < size; i++) {
    const offset = i * BYTES_A_LINE;
    info.push(dumpLine(memory, at, offset, Math.min(BYTES_A_LINE, size - offset)));
  }
  return info;
}

/** The objects before and behind: the one that overran its end is often among them. */
export function neighbours(checks: ReportedObjects, s: KmemCachePtr, buffer: Address): string[] {
  const { context, indexes, memory } = checks;
  const page = context.pages.virtToHeadPage(buffer);
  const index = indexes.indexOf(s, page, buffer);
  const size = memory.read32(s + KmemCache.objectSize);
  const tell = (what: string, i: number): string[] => {
    const other = indexes.objectAt(s, page, i);
    const start = hex(checks.start(s, other));
    return [`${what} obj: start=${start}, len=${size}`, ...objectInfo(checks, s, other, 2)];
  };
  const before = index > 0 ? tell("Prev", index - 1) : [];
  const behind = index + 1 < memory.read32(s + KmemCache.num) ? tell("Next", index + 1) : [];
  return [...before, ...behind];
}
