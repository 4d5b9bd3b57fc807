// SPDX-License-Identifier: GPL-2.0-only
/**
 * How much larger KASAN makes an object (kasan_cache_create, since Linux 4.8; 4.1 changes nothing), and
 * where what it notes lies. Both places are kept in one word of the cache:
 *
 *     | bytes from the object to the track of its allocation, 0: none | place of the free meta |
 *      31 .................................................... 2       1 ....................0
 *
 * The free meta, a link of the quarantine and the track of the free, may lie in the object, which
 * nobody uses any more then.
 */
import type { Memory } from "../../machine/memory.ts";
import { KMALLOC_MAX_SIZE } from "../alignment.ts";
import { SLAB_KASAN, SLAB_TYPESAFE_BY_RCU } from "../flags.ts";
import { type KernelVersion, since } from "../kernel-version.ts";
import { KmemCacheBase, type KmemCachePtr } from "../kmem-cache.ts";

/** sizeof(struct kasan_alloc_meta), sizeof(struct kasan_free_meta) */
const ALLOC_META = 16;
const FREE_META = 16;

const NO_FREE_META = 0;
const IN_OBJECT = 1;
const BEHIND_ALLOC_META = 2;
const PLACE_BITS = 2;

/** A cache as its allocator has laid it out so far, before its last alignment. */
export interface KasanInput {
  readonly size: number;
  readonly objectSize: number;
  readonly flags: number;
  readonly ctor: boolean;
  /** The object notes how many bytes were asked for. */
  readonly keepsSize: boolean;
  /** slub_debug is on. */
  readonly isDebug: boolean;
}

export interface KasanOutput {
  readonly size: number;
  readonly flags: number;
  /** The word of the cache. */
  readonly kasan: number;
}

/** Red zones, and the largest object with its red zone that has one. */
const REDZONES = [
  [16, 64],
  [32, 128],
  [64, 512],
  [128, 4096],
  [256, 16_384],
  [512, 32_768],
  [1024, 65_536],
] as const;
const LARGEST_REDZONE = 2048;

/** optimal_redzone */
function optimalRedzone(objectSize: number): number {
  const found = REDZONES.find(([redzone, most]) => objectSize + redzone <= most);
  return found?.[0] ?? LARGEST_REDZONE;
}

export function kasanCacheCreate(kernel: KernelVersion, cache: KasanInput): KasanOutput {
  const { objectSize, flags, ctor } = cache;
  if (!since(kernel, "4.8")) return { size: cache.size, flags, kasan: 0 };
  const fits = (bytes: number): boolean => bytes <= KMALLOC_MAX_SIZE;
  let { size } = cache;
  let allocMeta = 0;
  if (fits(size + ALLOC_META)) {
    allocMeta = size;
    size += ALLOC_META;
  }
  const isLookedAt = (flags & SLAB_TYPESAFE_BY_RCU) !== 0 || ctor;
  const isGuarded = since(kernel, "6.2") && cache.keepsSize;
  let place = NO_FREE_META;
  if (!isLookedAt && !isGuarded && objectSize >= FREE_META) place = IN_OBJECT;
  else if (!isLookedAt && !isGuarded && since(kernel, "6.6") && !cache.isDebug) {
    // It begins in the object and ends behind it; the other track makes room.
    const rest = FREE_META - objectSize;
    if (fits(size + rest)) {
      place = IN_OBJECT;
      size += rest;
      if (allocMeta !== 0) allocMeta += rest;
    }
  } else if (allocMeta !== 0 && fits(size + FREE_META)) {
    place = BEHIND_ALLOC_META;
    size += FREE_META;
  }
  size = Math.max(size, Math.min(objectSize + optimalRedzone(objectSize), KMALLOC_MAX_SIZE));
  return { size, flags: flags | SLAB_KASAN, kasan: (allocMeta << PLACE_BITS) | place };
}

export const KASAN_INFO = KmemCacheBase.memcgParams;

/** The word of a cache; 0 where its objects have no notes. */
export function kasanInfoOf(memory: Memory, s: KmemCachePtr): number {
  const isNoted = (memory.read32(s + KmemCacheBase.flags) & SLAB_KASAN) !== 0;
  return isNoted ? memory.read32(s + KASAN_INFO) : 0;
}

/** Where the track of an object's allocation lies; 0: nowhere. */
export function allocMetaOf(kasan: number, object: number): number {
  const offset = kasan >>> PLACE_BITS;
  return offset === 0 ? 0 : object + offset;
}

/** Where the free meta of an object lies; 0: it has none. */
export function freeMetaOf(kasan: number, object: number): number {
  const place = kasan & ((1 << PLACE_BITS) - 1);
  if (place === NO_FREE_META) return 0;
  return place === IN_OBJECT ? object : allocMetaOf(kasan, object) + ALLOC_META;
}

/** Bytes of an object behind its tracks that KASAN has for its notes (kasan_metadata_size). */
export function kasanMetadataSize(kasan: number): number {
  const alloc = kasan >>> PLACE_BITS === 0 ? 0 : ALLOC_META;
  return alloc + ((kasan & BEHIND_ALLOC_META) === 0 ? 0 : FREE_META);
}
