// SPDX-License-Identifier: GPL-2.0-only
/**
 * Cache merging: whether a new cache may be an alias of an existing one, and the name under which
 * sysfs shows a cache that may have aliases. Pure functions over descriptions of caches; callers
 * hold slab_mutex, which guards the list of caches.
 */

import { alignUp, calculateAlignment, WORD_SIZE } from "./alignment.ts";
import type { BootParameters } from "./boot-parameters.ts";
import {
  type AllocatorName,
  SLAB_ACCOUNT,
  SLAB_CACHE_DMA,
  SLAB_CACHE_DMA32,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_DEBUG_FLAGS,
  SLAB_FAILSLAB,
  SLAB_KASAN,
  SLAB_NO_MERGE,
  SLAB_NOLEAKTRACE,
  SLAB_NOTRACK,
  SLAB_RECLAIM_ACCOUNT,
  SLAB_TYPESAFE_BY_RCU,
} from "./flags.ts";
import { type KernelVersion, since } from "./kernel-version.ts";
import { kmemCacheFlags } from "./slub-debug.ts";

/** The properties of an existing cache that merging looks at. */
export interface MergeCandidate {
  /** Bytes from one object to the next. */
  readonly size: number;
  readonly align: number;
  readonly flags: number;
  readonly ctor: boolean;
  /** Negative for caches that boot has exempted. */
  readonly refcount: number;
  /** 6.1: bytes that may be copied to user space; such a cache stays alone. */
  readonly usersize?: number;
}

export interface MergeRequest {
  readonly name: string;
  readonly size: number;
  readonly align: number;
  /** Already masked by `cacheCreateMask`. */
  readonly flags: number;
  readonly ctor: boolean;
  readonly usersize?: number;
}

export interface MergeRules {
  readonly allocator: AllocatorName;
  readonly kernel: KernelVersion;
  readonly parameters: BootParameters;
}

const ALONE = SLAB_TYPESAFE_BY_RCU | SLAB_NOLEAKTRACE | SLAB_FAILSLAB | SLAB_KASAN;
const ALONE_BUT_CHECKED = ALONE | (SLAB_DEBUG_FLAGS & ~SLAB_CONSISTENCY_CHECKS);

/** Flags with which a cache stays alone. */
const SLAB_NEVER_MERGE: Readonly<Record<KernelVersion, number>> = {
  "4.1": ALONE_BUT_CHECKED,
  "6.1": ALONE_BUT_CHECKED,
  "6.19": ALONE_BUT_CHECKED | SLAB_NO_MERGE,
  "7.1": ALONE | SLAB_DEBUG_FLAGS | SLAB_NO_MERGE,
};

/** Flags in which two caches must agree to be one. */
const SLAB_MERGE_SAME: Readonly<Record<KernelVersion, number>> = {
  "4.1": SLAB_CONSISTENCY_CHECKS | SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA | SLAB_NOTRACK,
  "6.1": SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_ACCOUNT,
  "6.19": SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_ACCOUNT,
  "7.1": SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_ACCOUNT,
};

/** Whether a cache must stay alone (mm/slab_common.c `slab_unmergeable`). */
export function slabUnmergeable(rules: MergeRules, cache: MergeCandidate): boolean {
  return (
    rules.parameters.slabNoMerge ||
    (cache.flags & SLAB_NEVER_MERGE[rules.kernel]) !== 0 ||
    cache.ctor ||
    (cache.usersize ?? 0) !== 0 ||
    cache.refcount < 0
  );
}

/**
 * The cache a new one can share, or undefined (mm/slab_common.c `find_mergeable`). `caches` come
 * oldest first, which is the order the kernel tries them in. Sharing costs less than one word an
 * object; SLAB also keeps to caches aligned at least as strictly.
 */
export function findMergeable<T extends MergeCandidate>(
  rules: MergeRules,
  caches: Iterable<T>,
  request: MergeRequest,
): T | undefined {
  const { allocator, kernel, parameters } = rules;
  if (parameters.slabNoMerge || request.ctor || (request.usersize ?? 0) !== 0) return undefined;
  const words = alignUp(request.size, WORD_SIZE);
  const align = calculateAlignment(request.flags, request.align, words);
  const size = alignUp(words, align);
  const flags =
    allocator === "slub"
      ? kmemCacheFlags(kernel, parameters.slubDebug, request.flags, request.name)
      : request.flags;
  // Until 4.11 (c6e28895a437) this was asked before slub_debug= had added its flags.
  const asked = since(kernel, "4.11") ? flags : request.flags;
  if ((asked & SLAB_NEVER_MERGE[kernel]) !== 0) return undefined;

  const same = SLAB_MERGE_SAME[kernel];
  for (const cache of caches) {
    if (slabUnmergeable(rules, cache)) continue;
    if (size > cache.size || cache.size - size >= WORD_SIZE) continue;
    if ((flags & same) !== (cache.flags & same)) continue;
    if ((cache.size & ~(align - 1)) !== cache.size) continue;
    if (allocator === "slab" && (align > cache.align || cache.align % align !== 0)) continue;
    return cache;
  }
  return undefined;
}

/**
 * The sysfs directory of a mergeable cache: a colon, a letter for each flag that keeps caches
 * apart, the size in seven digits (mm/slub.c `create_unique_id`). Without kmemcheck no 4.1 cache is
 * exempt from it, hence the `t` in all of them.
 */
export function createUniqueId(kernel: KernelVersion, flags: number, size: number): string {
  let letters = "";
  if ((flags & SLAB_CACHE_DMA) !== 0) letters += "d";
  if (since(kernel, "5.1") && (flags & SLAB_CACHE_DMA32) !== 0) letters += "D";
  if ((flags & SLAB_RECLAIM_ACCOUNT) !== 0) letters += "a";
  if ((flags & SLAB_CONSISTENCY_CHECKS) !== 0) letters += "F";
  if (!since(kernel, "4.15") && (flags & SLAB_NOTRACK) === 0) letters += "t";
  if (since(kernel, "4.5") && (flags & SLAB_ACCOUNT) !== 0) letters += "A";
  const dash = letters === "" ? "" : "-";
  return `:${letters}${dash}${String(size).padStart(7, "0")}`;
}
