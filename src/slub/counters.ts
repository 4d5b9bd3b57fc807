// SPDX-License-Identifier: GPL-2.0-only
/**
 * page->counters: three fields in the word that is swapped together with page->freelist.
 *
 *      31      30 ............ 16   15 ............ 0
 *     +------+-------------------+-------------------+
 *     |frozen|      objects      |       inuse       |
 *     +------+-------------------+-------------------+
 *
 * objects: how many the slab holds. inuse: how many are not on page->freelist; those on a cpu
 * slab's private list count as in use. frozen: one CPU owns the slab, it is on no list.
 * Words are signed, so a frozen slab's counters are negative.
 */

const INUSE_MASK = 0xffff;
const OBJECTS_SHIFT = 16;
const OBJECTS_MASK = 0x7fff;
const FROZEN = 1 << 31;

/** The most objects a slab may hold. */
export const MAX_OBJS_PER_PAGE = OBJECTS_MASK;

export function packCounters(inuse: number, objects: number, frozen: boolean): number {
  return inuse | (objects << OBJECTS_SHIFT) | (frozen ? FROZEN : 0);
}

export function inuseOf(counters: number): number {
  return counters & INUSE_MASK;
}

export function objectsOf(counters: number): number {
  return (counters >>> OBJECTS_SHIFT) & OBJECTS_MASK;
}

/** Objects on page->freelist. */
export function freeOf(counters: number): number {
  return objectsOf(counters) - inuseOf(counters);
}

export function isFrozen(counters: number): boolean {
  return counters < 0;
}

export function withInuse(counters: number, inuse: number): number {
  return (counters & ~INUSE_MASK) | (inuse & INUSE_MASK);
}

export function withFrozen(counters: number, frozen: boolean): number {
  return frozen ? counters | FROZEN : counters & ~FROZEN;
}
