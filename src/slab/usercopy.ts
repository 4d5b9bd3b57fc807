// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which bytes of a slab may be shown to a caller that asks for `length` bytes at an address
 * (__check_heap_object of 6.1): bytes of one object, and of its window only, if the cache has one.
 * The index array, red zones and neighbours are never shown.
 */
import type { Address } from "../machine/memory.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { SlabContext } from "./slab-context.ts";
import { KmemCache, type KmemCachePtr } from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface UsercopyParts {
  readonly context: SlabContext;
  slabKsize(s: KmemCachePtr): number;
}

/** Why the bytes must not be shown, or undefined where they may. */
export function heapObjectError(
  slab: UsercopyParts,
  s: KmemCachePtr,
  page: PagePtr,
  address: Address,
  length: number,
): string | undefined {
  const { memory, common } = slab.context;
  const size = memory.read32(s + KmemCache.size);
  const name = common.nameOf(s);
  const inObjects = address - memory.read32(page + Page.sMem);
  if (inObjects < 0 || inObjects >= memory.read32(s + KmemCache.num) * size) {
    return `SLAB '${name}' beside its objects (size ${length})`;
  }
  const offset = (inObjects % size) - memory.read32(s + KmemCache.objOffset);
  const usersize = memory.read32(s + KmemCache.usersize);
  const from = usersize === 0 ? 0 : memory.read32(s + KmemCache.useroffset);
  const end = usersize === 0 ? slab.slabKsize(s) : from + usersize;
  if (offset >= from && offset + length <= end) return undefined;
  return `SLAB object '${name}' (offset ${offset}, size ${length})`;
}
