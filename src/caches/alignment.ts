// SPDX-License-Identifier: GPL-2.0-only
/**
 * Alignment and the few integer functions of the kernel that geometry is made of. Sizes are those
 * of an x86-64 kernel (8-byte words, 4096-byte pages, 64-byte cache lines), whatever this machine
 * uses for its own words, so that every size, order and count equals a real one.
 */
import { PAGE_SHIFT, PAGE_SIZE } from "../machine/machine.ts";
import { MAX_ORDER } from "../pages/zone.ts";
import { SLAB_HWCACHE_ALIGN } from "./flags.ts";

/** `sizeof(void *)`. */
export const WORD_SIZE = 8;
export const CACHE_LINE_SIZE = 64;
/** One more than the largest order a slab may have. */
export { MAX_ORDER };
/** No slab object and no kmalloc request is larger: 4 MiB. */
export const KMALLOC_MAX_SIZE = PAGE_SIZE << (MAX_ORDER - 1);

const ARCH_SLAB_MINALIGN = 8;

/**
 * The kernel's ALIGN: mask arithmetic, exact also in what it answers for an alignment that is no
 * power of two, which `kmem_cache_create` does not refuse. Needs value + alignment < 2^31.
 */
export function alignUp(value: number, alignment: number): number {
  return (value + alignment - 1) & ~(alignment - 1);
}

/** Position of the highest set bit, counted from 1; 0 for 0 (`fls`). */
export function fls(value: number): number {
  return 32 - Math.clz32(value);
}

/** Floor of the binary logarithm of a positive int32 (`ilog2`). */
export function ilog2(value: number): number {
  return 31 - Math.clz32(value);
}

/** Smallest order whose pages hold `size` bytes, `size` > 0 (`get_order`). */
export function getOrder(size: number): number {
  return fls((size - 1) >>> PAGE_SHIFT);
}

/**
 * The alignment a cache gets: what was asked for, a cache line (halved while the object fits twice)
 * if SLAB_HWCACHE_ALIGN, and never less than a word (mm/slab_common.c `calculate_alignment`, the
 * same in 4.1 and 6.1). Applying it twice changes nothing.
 */
export function calculateAlignment(flags: number, align: number, size: number): number {
  let result = align;
  if ((flags & SLAB_HWCACHE_ALIGN) !== 0) {
    let line = CACHE_LINE_SIZE;
    while (size <= line >> 1) line >>= 1;
    result = Math.max(result, line);
  }
  return alignUp(Math.max(result, ARCH_SLAB_MINALIGN), WORD_SIZE);
}
