// SPDX-License-Identifier: GPL-2.0-only
/**
 * An object is freed to a cache that is not its own. A kernel finds out only if free pointers are
 * hardened or the cache has consistency checks. Up to 6.19 it warns and frees the object to its own
 * cache; since 7.0 it warns once, and the object is lost (kmem_cache_free, warn_free_bad_obj).
 */
import { SLAB_CONSISTENCY_CHECKS } from "../../caches/flags.ts";
import { since } from "../../caches/kernel-version.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { ObjectDebugging } from "../object-debugging.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

export interface WrongCacheParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly debugging: ObjectDebugging;
}

/**
 * cache_from_obj: the cache to free the object to, 0 for none; undefined where `s` checks nothing, or
 * goes on with the wrong cache, as until 4.14.
 */
export function cacheFromObj(
  { context, freePointers, debugging }: WrongCacheParts,
  s: KmemCachePtr,
  owner: KmemCachePtr,
  page: PagePtr,
  object: Address,
): KmemCachePtr | undefined {
  const { kernel } = context.common;
  const flags = context.memory.read32(s + KmemCache.flags);
  const checks = freePointers.areHardened || (flags & SLAB_CONSISTENCY_CHECKS) !== 0;
  if (!checks || !since(kernel, "4.14")) return undefined;
  debugging.reports.wrongCache(s, owner, page, object);
  return since(kernel, "7.0") ? 0 : owner;
}
