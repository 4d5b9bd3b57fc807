// SPDX-License-Identifier: GPL-2.0-only
/**
 * build_detached_freelist: objects in an array become chains of one slab each, built from the end of
 * the array through the objects themselves.
 */
import type { Address, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";

/** How many objects of other slabs may be skipped in search of one more of the same slab. */
export const LOOKAHEAD = 3;

export interface DetachedFreelist {
  readonly s: KmemCachePtr;
  readonly page: PagePtr;
  /** The objects of the slab; the first is the head, the last the tail. */
  readonly objects: Address[];
}

export interface DetachedFreelistsParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
}

export class DetachedFreelists {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare protected readonly freePointers: FreePointers;

  constructor(parts: DetachedFreelistsParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.freePointers = parts.freePointers;
  }

  /** Takes the chain at the end of p off p. With s = 0 the objects tell their cache. */
  take(s: KmemCachePtr, p: Address[]): DetachedFreelist {
    const { pages } = this.context;
    const tail = p.pop() as Address;
    const page = pages.virtToHeadPage(tail);
    const objects = [tail];
    let misses = 0;
    for (let i = p.length - 1; i >= 0 && misses < LOOKAHEAD; i--) {
      const object = p[i] as Address;
      if (pages.virtToHeadPage(object) !== page) {
        misses++;
        continue;
      }
      objects.push(object);
      // The hole is filled from the end, so that the remaining objects stay in front.
      const last = p.pop() as Address;
      if (i < p.length) p[i] = last;
    }
    objects.reverse();
    return { s: s || this.memory.read32(page + Page.slabCache), page, objects };
  }
}
