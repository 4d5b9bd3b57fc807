// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which bytes of a slab may be shown to a user that asks for `length` bytes at an address
 * (__check_heap_object): bytes of one object, and of its window only, if the cache has one
 * (kmem_cache_create_usercopy). Red zones, tracks and neighbours are never shown.
 */
import type { Address } from "../machine/memory.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { CacheLifetime } from "./cache-lifetime.ts";
import { objectsOf } from "./counters.ts";
import type { SlubContext } from "./slub-context.ts";
import { KmemCache, type KmemCachePtr } from "./structs.ts";

export interface UsercopyParts {
  readonly context: SlubContext;
  readonly lifetime: CacheLifetime;
}

/** Why the bytes must not be shown; undefined: they may. */
export function heapObjectError(
  slub: UsercopyParts,
  s: KmemCachePtr,
  page: PagePtr,
  address: Address,
  length: number,
): string | undefined {
  const { memory, pages } = slub.context;
  const size = memory.read32(s + KmemCache.size);
  const inSlab = address - pages.pageAddress(page);
  const behindLast = inSlab >= objectsOf(memory.readOnce(page + Page.counters)) * size;
  const offset = (inSlab % size) - memory.read32(s + KmemCache.redLeftPad);
  const usersize = memory.read32(s + KmemCache.usersize);
  const from = usersize === 0 ? 0 : memory.read32(s + KmemCache.useroffset);
  const end = usersize === 0 ? slub.lifetime.ksize(s) : from + usersize;
  if (!behindLast && offset >= from && offset + length <= end) return undefined;
  const name = slub.context.common.nameOf(s);
  const where = offset < 0 ? "SLUB object in left red zone" : "SLUB object";
  return `${where} '${name}' (offset ${offset}, size ${length})`;
}
