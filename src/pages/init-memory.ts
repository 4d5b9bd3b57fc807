// SPDX-License-Identifier: GPL-2.0-only
/**
 * init_on_alloc and init_on_free (Linux 5.3) of whole pages: zeroed when they are handed out, or when
 * they come back. That is what large kmallocs and new slabs get.
 */
import { PAGE_SIZE } from "../machine/machine.ts";
import { __GFP_ZERO } from "./gfp.ts";
import { Page, type PagePtr } from "./page.ts";
import type { Pages } from "./pages.ts";

/** want_init_on_alloc */
export function withPagesInitOnAlloc(Base: typeof Pages): typeof Pages {
  return class extends Base {
    override allocPages(gfp: number, order: number, node: number): PagePtr {
      return super.allocPages(gfp | __GFP_ZERO, order, node);
    }
  };
}

/** want_init_on_free: a page that cannot be freed is not touched. */
export function withPagesInitOnFree(Base: typeof Pages): typeof Pages {
  return class extends Base {
    override freePages(page: PagePtr, order: number): void {
      this.checkFree(page, order, this.memory.readOnce(page + Page.flags));
      this.memory.fill(this.pageAddress(page), 0, PAGE_SIZE << order);
      super.freePages(page, order);
    }
  };
}
