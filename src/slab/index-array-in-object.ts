// SPDX-License-Identifier: GPL-2.0-only
/**
 * Where SLAB keeps a slab's index array since Linux 4.6 (b03a017bebc4): behind the objects, off
 * slab, or inside an object of the slab itself (CFLGS_OBJFREELIST_SLAB). The object that holds the
 * array is the last one to be handed out; a full slab has no array, and the first object freed to
 * it holds the next.
 */
import { CFLGS_OBJFREELIST_SLAB } from "../caches/flags.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import { IndexArray } from "./index-array.ts";
import { KmemCache, type KmemCachePtr } from "./structs.ts";

export class IndexArrayInObject extends IndexArray {
  override place(
    s: KmemCachePtr,
    page: PagePtr,
    offset: number,
    gfp: number,
    nid: number,
  ): boolean {
    const { memory } = this;
    const start = this.context.pages.pageAddress(page);
    memory.write32(page + Page.counters, 0);
    if (this.isOffSlab(s)) return this.placeOffSlab(s, page, start + offset, gfp, nid);
    const end = start + (PAGE_SIZE << memory.read32(s + KmemCache.gfporder));
    memory.write32(page + Page.freelist, end - memory.read32(s + KmemCache.freelistSize));
    memory.write32(page + Page.sMem, start + offset);
    return true;
  }

  override isColoured(_s: KmemCachePtr, page: PagePtr): boolean {
    return this.memory.read32(page + Page.sMem) !== this.context.pages.pageAddress(page);
  }

  protected override beforeFill(s: KmemCachePtr, page: PagePtr, last: number): void {
    if (this.isInObject(s)) this.holdIn(s, page, this.objectAt(s, page, last));
  }

  override put(s: KmemCachePtr, page: PagePtr, object: Address): void {
    if (this.memory.read32(page + Page.freelist) === 0) this.holdIn(s, page, object);
    super.put(s, page, object);
  }

  /** The array lies in this free object from now on. */
  private holdIn(s: KmemCachePtr, page: PagePtr, object: Address): void {
    const { memory } = this;
    memory.write32(page + Page.freelist, object + memory.read32(s + KmemCache.objOffset));
  }

  override becameFull(s: KmemCachePtr, page: PagePtr): void {
    if (this.isInObject(s)) this.memory.write32(page + Page.freelist, 0);
  }

  private isInObject(s: KmemCachePtr): boolean {
    return (this.memory.read32(s + KmemCache.flags) & CFLGS_OBJFREELIST_SLAB) !== 0;
  }
}
