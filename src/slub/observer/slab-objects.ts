// SPDX-License-Identifier: GPL-2.0-only
/** The arithmetic of a slab: which addresses in it are objects. Reads words that never change. */
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { objectsOf } from "../counters.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

/** Addresses of all objects of a slab, handed out or not. */
export function objectsOfSlab(context: SlubContext, s: KmemCachePtr, page: PagePtr): Address[] {
  const { memory } = context;
  const size = memory.read32(s + KmemCache.size);
  const first = context.pages.pageAddress(page) + memory.read32(s + KmemCache.redLeftPad);
  const objects = objectsOf(memory.readOnce(page + Page.counters));
  return Array.from({ length: objects }, (_, i) => first + i * size);
}
