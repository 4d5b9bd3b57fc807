/** kmalloc for SLAB's own needs: node structs, shared and alien arrays, index arrays. */
import { getOrder, KMALLOC_MAX_SIZE } from "../caches/alignment.ts";
import type { Allocator } from "../caches/allocator.ts";
import { ZERO_SIZE_PTR } from "../caches/kmalloc-sizes.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import { __GFP_COMP } from "../pages/gfp.ts";
import { Page, PG_HEAD, PG_SLAB } from "../pages/page.ts";
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

  /** kfree. @throws KernelBug where there is neither an object nor pages that kmalloc gave. */
  kfree(object: Address): void {
    if (object <= ZERO_SIZE_PTR) return;
    const { memory, pages } = this.context;
    const page = pages.virtToHeadPage(object);
    const flags = memory.readOnce(page + Page.flags);
    if ((flags & PG_SLAB) !== 0) {
      this.allocator.slabFree(memory.read32(page + Page.slabCache), page, object);
    } else if ((flags & PG_HEAD) !== 0 && pages.pageAddress(page) === object) {
      pages.freePages(page, pages.compoundOrder(page));
    } else {
      throw new KernelBug("bad-access", `kfree: 0x${object.toString(16)} is no object`);
    }
  }
}
