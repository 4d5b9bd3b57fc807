// SPDX-License-Identifier: GPL-2.0-only
/** kmalloc_node for SLAB's own needs: node structs, shared and alien arrays, index arrays. */
import { getOrder, KMALLOC_MAX_SIZE } from "../caches/alignment.ts";
import type { Address } from "../machine/memory.ts";
import { __GFP_COMP } from "../pages/gfp.ts";
import type { SlabContext } from "./slab-context.ts";
import type { KmemCachePtr } from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface StorageParts {
  readonly context: SlabContext;
  readonly kmallocShiftHigh: number;
  kmallocIndexOf(size: number): number;
  slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address;
}

export class Storage {
  declare private readonly parts: StorageParts;

  constructor(parts: StorageParts) {
    this.parts = parts;
  }

  /** kmalloc_node: `bytes` as a 64-bit kernel counts them, or 0. */
  kmallocNode(bytes: number, gfp: number, nid: number): Address {
    const { parts } = this;
    const { common, pages } = parts.context;
    if (bytes <= 1 << parts.kmallocShiftHigh) {
      const s = common.kmallocCache(parts.kmallocIndexOf(bytes));
      return parts.slabAllocNode(s, gfp, nid);
    }
    if (bytes > KMALLOC_MAX_SIZE) return 0;
    const page = pages.allocPages(gfp | __GFP_COMP, getOrder(bytes), nid);
    return page === 0 ? 0 : pages.pageAddress(page);
  }
}
