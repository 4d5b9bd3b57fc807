// SPDX-License-Identifier: GPL-2.0-only
/**
 * `slub_debug=`: which caches get which debug flags. The two kernels read the same text by
 * different grammars; both end as the same rule set, and `kmemCacheFlags` applies it to one cache.
 *
 *   4.1   letters[,prefix]                     one list, one prefix, everything after the comma
 *   6.1   block[;block…], block = letters[,name[*][,name[*]…]]     since 5.9 (e17f1dfba37b)
 */

import {
  DEBUG_DEFAULT_FLAGS,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_FAILSLAB,
  SLAB_NO_USER_FLAGS,
  SLAB_NOLEAKTRACE,
  SLAB_POISON,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
  SLAB_TRACE,
} from "./flags.ts";
import { type KernelVersion, since } from "./kernel-version.ts";

export interface NamePattern {
  readonly text: string;
  /** The name need only begin with the text. */
  readonly prefix: boolean;
}

/** Flags for the caches whose name matches one of the patterns. */
export interface SlubDebugList {
  readonly flags: number;
  readonly patterns: readonly NamePattern[];
}

export interface SlubDebug {
  /** Flags of every cache no list claims. */
  readonly flags: number;
  /** In the order written; the first list with a matching name decides. */
  readonly lists: readonly SlubDebugList[];
  /** `O`: no metadata flags on a cache whose smallest order they would raise. */
  readonly disableHigherOrderDebug: boolean;
}

export const NO_SLUB_DEBUG: SlubDebug = {
  flags: 0,
  lists: [],
  disableHigherOrderDebug: false,
};

const LETTERS: Readonly<Record<string, number>> = {
  f: SLAB_CONSISTENCY_CHECKS,
  z: SLAB_RED_ZONE,
  p: SLAB_POISON,
  u: SLAB_STORE_USER,
  t: SLAB_TRACE,
  a: SLAB_FAILSLAB,
};

interface Letters {
  flags: number;
  higherOrder: boolean;
}

/** Letters that mean nothing are passed over, as the kernel does behind a line in its log. */
function readLetters(text: string, { dashResets }: { dashResets: boolean }): Letters {
  const read: Letters = { flags: 0, higherOrder: false };
  for (const letter of text) {
    const lower = letter.toLowerCase();
    const flag = Object.hasOwn(LETTERS, lower) ? LETTERS[lower] : undefined;
    if (flag !== undefined) read.flags |= flag;
    else if (lower === "o") read.higherOrder = true;
    else if (lower === "-" && dashResets) read.flags = 0;
  }
  return read;
}

/**
 * Reads the text after `slub_debug=` ("" for the bare parameter) as `setup_slub_debug` of that
 * kernel does (mm/slub.c, 4.1.52 and 6.1.192). Nothing is refused.
 */
export function parseSlubDebug(kernel: KernelVersion, text: string): SlubDebug {
  if (text === "") return { ...NO_SLUB_DEBUG, flags: DEBUG_DEFAULT_FLAGS };
  return since(kernel, "5.9") ? parseBlocks(text) : parseSingleList(text);
}

function parseSingleList(text: string): SlubDebug {
  if (text.startsWith("-")) return NO_SLUB_DEBUG;
  const comma = text.indexOf(",");
  const read = readLetters(comma < 0 ? text : text.slice(0, comma), { dashResets: false });
  const flags = comma === 0 ? DEBUG_DEFAULT_FLAGS : read.flags;
  const restricted = comma >= 0;
  return {
    flags: restricted ? 0 : flags,
    lists: restricted ? [{ flags, patterns: [{ text: text.slice(comma + 1), prefix: true }] }] : [],
    disableHigherOrderDebug: read.higherOrder,
  };
}

function parseBlocks(text: string): SlubDebug {
  let flags = 0;
  const lists: SlubDebugList[] = [];
  let disableHigherOrderDebug = false;
  for (const block of text.split(/;+/)) {
    if (block === "") continue;
    const comma = block.indexOf(",");
    const read = readLetters(comma < 0 ? block : block.slice(0, comma), { dashResets: true });
    disableHigherOrderDebug ||= read.higherOrder;
    if (comma < 0) {
      flags = read.flags;
    } else {
      lists.push({
        flags: comma === 0 ? DEBUG_DEFAULT_FLAGS : read.flags,
        patterns: block
          .slice(comma + 1)
          .split(",")
          .map(readPattern),
      });
    }
  }
  return { flags, lists, disableHigherOrderDebug };
}

function readPattern(word: string): NamePattern {
  const star = word.indexOf("*");
  return star < 0 ? { text: word, prefix: false } : { text: word.slice(0, star), prefix: true };
}

/**
 * The flags a cache is really created with: its own and those `slub_debug=` adds for its name
 * (mm/slub.c `kmem_cache_flags`). SLAB has no such parameter and keeps the flags as they are.
 */
export function kmemCacheFlags(
  kernel: KernelVersion,
  debug: SlubDebug,
  flags: number,
  name: string,
): number {
  if (since(kernel, "5.19") && (flags & SLAB_NO_USER_FLAGS) !== 0) return flags;
  for (const list of debug.lists) {
    if (list.patterns.some((pattern) => matches(pattern, name))) return flags | list.flags;
  }
  // Tracking the users of a cache that leak detection avoids could recurse into it; only a list
  // that names the cache overrides that.
  const untracked = since(kernel, "5.12") && (flags & SLAB_NOLEAKTRACE) !== 0;
  return flags | (untracked ? debug.flags & ~SLAB_STORE_USER : debug.flags);
}

function matches(pattern: NamePattern, name: string): boolean {
  return pattern.prefix ? name.startsWith(pattern.text) : name === pattern.text;
}
