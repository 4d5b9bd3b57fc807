// SPDX-License-Identifier: GPL-2.0-only
/** KASAN of whole pages: nobody may access them while they are free. */
import { KASAN_FREE_PAGE, KasanShadow } from "../machine/kasan-shadow.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import { Page, type PagePtr, PG_RANGE } from "./page.ts";
import type { Pages } from "./pages.ts";

export function withKasanPages(Base: typeof Pages): typeof Pages {
  return class extends Base {
    private readonly shadow = new KasanShadow(this.machine);

    override init(): void {
      super.init();
      this.shadow.poison(this.firstAddress, this.totalPages() * PAGE_SIZE, KASAN_FREE_PAGE);
    }

    protected override prepare(page: PagePtr, gfp: number, order: number): void {
      super.prepare(page, gfp, order);
      this.shadow.unpoison(this.pageAddress(page), PAGE_SIZE << order);
    }

    override allocRange(gfp: number, count: number, node: number): PagePtr {
      const page = super.allocRange(gfp, count, node);
      if (page !== 0) this.shadow.unpoison(this.pageAddress(page), PAGE_SIZE * count);
      return page;
    }

    override freeCompound(page: PagePtr): void {
      const isRange = (this.memory.readOnce(page + Page.flags) & PG_RANGE) !== 0;
      if (isRange) this.poison(page, this.blockBytes(page));
      super.freeCompound(page);
    }

    override freePages(page: PagePtr, order: number): void {
      // What is no block of that order stays as it is.
      this.checkFree(page, order, this.memory.readOnce(page + Page.flags));
      this.poison(page, PAGE_SIZE << order);
      super.freePages(page, order);
    }

    private poison(page: PagePtr, bytes: number): void {
      this.shadow.poison(this.pageAddress(page), bytes, KASAN_FREE_PAGE);
    }
  };
}
