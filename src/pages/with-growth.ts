// SPDX-License-Identifier: GPL-2.0-only
/** The page allocator of a memory that may grow. It notes when a request fails because no pages are left. */
import { __GFP_HIGH } from "./gfp.ts";
import type { PagePtr } from "./page.ts";
import type { Pages } from "./pages.ts";

export interface GrowingPages extends Pages {
  /** Set where this thread's request has met no pages. */
  ranOut: boolean;
  /** This thread brings memory, and may have what is kept for those that cannot wait. */
  isGrowing: boolean;
}

export function withGrowth(Base: typeof Pages): typeof Pages {
  return class extends Base implements GrowingPages {
    ranOut = false;
    isGrowing = false;

    override allocPages(gfp: number, order: number, node: number): PagePtr {
      const page = super.allocPages(this.isGrowing ? gfp | __GFP_HIGH : gfp, order, node);
      if (page === 0) this.ranOut = true;
      return page;
    }

    override allocRange(gfp: number, count: number, node: number): PagePtr {
      const page = super.allocRange(gfp, count, node);
      if (page === 0) this.ranOut = true;
      return page;
    }
  };
}
