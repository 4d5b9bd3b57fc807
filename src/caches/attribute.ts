// SPDX-License-Identifier: GPL-2.0-only
/** A file of a cache's directory: how it reads, and what may be written. */
import type { KmemCachePtr } from "./kmem-cache.ts";

export interface Attribute {
  /** Its text, with the final newline; a negative error number where it cannot be read. */
  readonly show?: (s: KmemCachePtr) => string | number;
  /** 0, or a negative error number where the kernel refuses what was written. */
  readonly store?: (s: KmemCachePtr, text: string) => number;
}

/** Files by name, in the kernel's order. */
export type Attributes = ReadonlyMap<string, Attribute>;

/** A file that shows one line and cannot be written. */
export function readOnly(show: (s: KmemCachePtr) => string | number): Attribute {
  return { show: (s) => `${show(s)}\n` };
}
