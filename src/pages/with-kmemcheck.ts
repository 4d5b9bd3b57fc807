// SPDX-License-Identifier: GPL-2.0-only
/** kmemcheck of whole pages: what is known of a block, from its allocation to its end. */
import {
  KMEMCHECK_INITIALIZED,
  KMEMCHECK_UNINITIALIZED,
  KMEMCHECK_UNTRACKED,
  KmemcheckShadow,
} from "../machine/kmemcheck-shadow.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import { __GFP_NOTRACK, __GFP_ZERO } from "./gfp.ts";
import { Page, type PagePtr } from "./page.ts";
import type { Pages } from "./pages.ts";

export function withKmemcheckPages(Base: typeof Pages): typeof Pages {
  return class extends Base {
    private readonly shadow = new KmemcheckShadow(this.machine);

    protected override prepare(page: PagePtr, gfp: number, order: number): void {
      super.prepare(page, gfp, order);
      this.tracked(page, gfp, PAGE_SIZE << order);
    }

    override allocRange(gfp: number, count: number, node: number): PagePtr {
      return this.tracked(super.allocRange(gfp, count, node), gfp, PAGE_SIZE * count);
    }

    /** kmemcheck_pagealloc_alloc */
    private tracked(page: PagePtr, gfp: number, bytes: number): PagePtr {
      if (page === 0 || (gfp & __GFP_NOTRACK) !== 0) return page;
      const isZeroed = (gfp & __GFP_ZERO) !== 0;
      const state = isZeroed ? KMEMCHECK_INITIALIZED : KMEMCHECK_UNINITIALIZED;
      this.shadow.mark(this.pageAddress(page), bytes, state);
      return page;
    }

    override freeCompound(page: PagePtr): void {
      this.forget(page, this.blockBytes(page));
      super.freeCompound(page);
    }

    override freePages(page: PagePtr, order: number): void {
      // What is no block of that order stays as it is.
      this.checkFree(page, order, this.memory.readOnce(page + Page.flags));
      this.forget(page, PAGE_SIZE << order);
      super.freePages(page, order);
    }

    /** kmemcheck_free_shadow: of slabs as well. The pages are not free for others yet. */
    private forget(page: PagePtr, bytes: number): void {
      this.shadow.mark(this.pageAddress(page), bytes, KMEMCHECK_UNTRACKED);
    }
  };
}
