// SPDX-License-Identifier: GPL-2.0-only
/**
 * The bytes of an object that its user has not written: in use, free, and the last one of a free
 * one.
 */
export const POISON_INUSE = 0x5a;
export const POISON_FREE = 0x6b;
export const POISON_END = 0xa5;
