// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB's event counters, one word each in every CPU's area. The first eleven are the ones behind
 * globalstat and cpustat of /proc/slabinfo; the others say which of the queues were in use.
 */

export const SLAB_STAT_NAMES = [
  "allochit",
  "allocmiss",
  "freehit",
  "freemiss",
  "listallocs",
  "grown",
  "reaped",
  "error",
  "nodeallocs",
  "remotefrees",
  "alienoverflow",
  "shared_refill",
  "shared_flush",
  "alien_drain",
  "coloured",
  "reap_pass",
] as const;

export type SlabStatName = (typeof SLAB_STAT_NAMES)[number];

/** Found an object in this CPU's array, or not. */
export const ALLOCHIT = 0;
export const ALLOCMISS = 1;
/** Found room in this CPU's array, or not. */
export const FREEHIT = 2;
export const FREEMISS = 3;
/** Objects that left a slab for an array. */
export const LISTALLOCS = 4;
export const GROWN = 5;
/** Slabs given back by the reaper. */
export const REAPED = 6;
/** Objects that DEBUG_SLAB found damaged; the kernel has the column and never counts there. */
export const ERROR = 7;
/** Objects taken straight from a node's slabs. */
export const NODEALLOCS = 8;
/** Objects freed on a node they are not of, and how often the alien array was full then. */
export const REMOTEFREES = 9;
export const ALIENOVERFLOW = 10;
/** Arrays filled from, and emptied into, the node's shared array. */
export const SHARED_REFILL = 11;
export const SHARED_FLUSH = 12;
export const ALIEN_DRAIN = 13;
/** New slabs whose first object is not at the first possible place. */
export const COLOURED = 14;
export const REAP_PASS = 15;
