// SPDX-License-Identifier: GPL-2.0-only
/** A leak report: objects in use whose last allocation was called from one place. */
import type { Address } from "../machine/memory.ts";

export interface LiveObjects {
  /** `name (folder/file.ts:line:column)`, or `<not-available>`. */
  readonly site: string;
  /** The whole stack of one of them, innermost first. */
  readonly stack: readonly string[];
  readonly count: number;
  /** Bytes, by the cache's object size. */
  readonly bytes: number;
  /** Ascending. */
  readonly addresses: readonly Address[];
}
