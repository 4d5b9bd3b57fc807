// SPDX-License-Identifier: GPL-2.0-only
/** What a person's dump says of the slab caches of a real machine. */
import type { AllocatorName } from "../../caches/flags.ts";

/** One cache. Formats differ in what they tell: a field that is missing was not told. */
export interface DumpRow {
  readonly name: string;
  /** Objects in use, and all. */
  readonly active?: number;
  readonly total?: number;
  /** Bytes from one object to the next. */
  readonly size?: number;
  /** Where the size was rounded: the least and the greatest that it may be. */
  readonly sizes?: readonly [least: number, most: number];
  /** Bytes of an object without what the allocator adds. */
  readonly objectSize?: number;
  readonly objectsPerSlab?: number;
  readonly pagesPerSlab?: number;
  /** The order that slabs have where memory is short. */
  readonly minOrder?: number;
  readonly slabs?: number;
  readonly activeSlabs?: number;
  /** Bytes of a slab, or of all slabs and of the objects in use, where only those are told. */
  readonly slabBytes?: number;
  readonly totalBytes?: number;
  readonly activeBytes?: number;
  /** SLAB's queues: limit, batchcount, shared factor. */
  readonly tunables?: readonly [limit: number, batchcount: number, shared: number];
  /** Letters of slub_debug that the cache has. */
  readonly debug?: string;
  readonly ctor?: boolean;
  readonly align?: number;
}

export interface Dump {
  /** `/proc/slabinfo 2.1`, `slabtop`, … */
  readonly format: string;
  readonly rows: readonly DumpRow[];
  /** Where the format or its content tells. */
  readonly allocator?: AllocatorName;
  /** Lines that look like the format's and could not be read. */
  readonly unread: readonly UnreadLine[];
  /** Whole sentences about what else the dump tells. */
  readonly notes?: readonly string[];
}

export interface UnreadLine {
  readonly number: number;
  readonly text: string;
}

/** A dump's own line, without what logs put in front of it: times, host names, log levels. */
export function withoutLogPrefix(line: string): string {
  return line
    .replace(
      /^(?:<\d+>)?(?:[A-Z][a-z]{2} +\d+ [\d:]+ \S+ )?(?:kernel: ?)?(?:\[ *\d+\.\d+\] ?)*/,
      "",
    )
    .replace(/^(?:\d{4}-\d\d-\d\dT\S+ )?(?:\S+ )?kernel: ?(?:\[ *\d+\.\d+\] ?)?/, "")
    .trimEnd();
}
