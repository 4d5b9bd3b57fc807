/** kmalloc_node for SLAB's own needs: node structs, shared and alien arrays, index arrays. */
import { getOrder, KMALLOC_MAX_SIZE } from "../caches/alignment.ts";
import type { Allocator } from "../caches/allocator.ts";
import type { Address } from "../machine/memory.ts";
import { __GFP_COMP } from "../pages/gfp.ts";
import type { SlabContext } from "./slab-context.ts";

export class Storage {
  declare private readonly context: SlabContext;
  declare private readonly allocator: Allocator;

  constructor(context: SlabContext, allocator: Allocator) {
    this.context = context;
    this.allocator = allocator;
  }

  /** kmalloc_node: `bytes` as a 64-bit kernel counts them, or 0. */
  kmallocNode(bytes: number, gfp: number, nid: number): Address {
    const { allocator } = this;
    const { common, pages } = this.context;
    if (bytes <= 1 << allocator.kmallocShiftHigh) {
      const s = common.kmallocCache(allocator.kmallocIndexOf(bytes));
      return allocator.slabAllocNode(s, gfp, nid);
    }
    if (bytes > KMALLOC_MAX_SIZE) return 0;
    const page = pages.allocPages(gfp | __GFP_COMP, getOrder(bytes), nid);
    return page === 0 ? 0 : pages.pageAddress(page);
  }
}
