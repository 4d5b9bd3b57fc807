// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which objects of a slab are free: `active` counts those handed out, and an array of one-byte
 * object numbers, of which the first `active` are meaningless and the rest name the free objects in
 * the order in which they go out.
 *
 *     active = 3        freelist  | - | - | - | 7 | 0 | 5 | …
 *                                               ^ next to go out; a freed object's number is
 *                                                 put in front of it
 *
 * 4.1 keeps the array in front of the objects, or in an object of a kmalloc cache. Guarded by the
 * list_lock of the slab's node; a new slab is its maker's alone.
 */
import { CFLGS_OFF_SLAB } from "../caches/flags.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { SlabContext } from "./slab-context.ts";
import type { Storage } from "./storage.ts";
import { KmemCache, type KmemCachePtr } from "./structs.ts";

// Local names where every object of a batch passes: see machine/inlining.ts.
const PAGE_ACTIVE = Page.counters;
const PAGE_FREELIST = Page.freelist;
const PAGE_S_MEM = Page.sMem;
const CACHE_SIZE = KmemCache.size;

/** The parts of a SLAB that it uses. */
export interface IndexArrayParts {
  readonly context: SlabContext;
  readonly storage: Storage;
}

export class IndexArray {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly storage: Storage;

  constructor(parts: IndexArrayParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.storage = parts.storage;
  }

  /**
   * alloc_slabmgmt: says where the objects of a new slab begin, `offset` bytes of colour in, and
   * where its array lies. False if there is no memory for the array.
   */
  place(s: KmemCachePtr, page: PagePtr, offset: number, gfp: number, nid: number): boolean {
    const { memory } = this;
    const start = this.context.pages.pageAddress(page) + offset;
    memory.write32(page + PAGE_ACTIVE, 0);
    if (this.isOffSlab(s)) return this.placeOffSlab(s, page, start, gfp, nid);
    memory.write32(page + PAGE_FREELIST, start);
    memory.write32(page + PAGE_S_MEM, start + memory.read32(s + KmemCache.freelistSize));
    return true;
  }

  /** Whether `place` left room in front of a slab that is still its maker's. */
  isColoured(s: KmemCachePtr, page: PagePtr): boolean {
    const { memory } = this;
    const first = memory.read32(page + (this.isOffSlab(s) ? PAGE_S_MEM : PAGE_FREELIST));
    return first !== this.context.pages.pageAddress(page);
  }

  protected placeOffSlab(
    s: KmemCachePtr,
    page: PagePtr,
    sMem: Address,
    gfp: number,
    nid: number,
  ): boolean {
    const { memory } = this;
    const bytes = memory.read32(s + KmemCache.freelistSize);
    const freelist = this.storage.kmallocNode(bytes, gfp, nid);
    memory.write32(page + PAGE_FREELIST, freelist);
    memory.write32(page + PAGE_S_MEM, sMem);
    return freelist !== 0;
  }

  /** All objects of a new slab are free, to go out in this order. */
  fill(s: KmemCachePtr, page: PagePtr): void {
    const order = this.order(s);
    this.beforeFill(s, page, order[order.length - 1] as number);
    for (let i = 0; i < order.length; i++) this.setNumber(page, i, order[i] as number);
  }

  /** Ascending. */
  protected order(s: KmemCachePtr): number[] {
    const num = this.memory.read32(s + KmemCache.num);
    const order: number[] = [];
    for (let i = 0; i < num; i++) order.push(i);
    return order;
  }

  /** The place of the array is known; `last` is the object that will go out last. */
  protected beforeFill(_s: KmemCachePtr, _page: PagePtr, _last: number): void {}

  protected setNumber(page: PagePtr, position: number, object: number): void {
    this.memory.write8(this.memory.read32(page + PAGE_FREELIST) + position, object);
  }

  /** Number of the object at a place of the array. */
  numberAt(page: PagePtr, position: number): number {
    return this.memory.read8(this.memory.read32(page + PAGE_FREELIST) + position);
  }

  /** index_to_obj */
  objectAt(s: KmemCachePtr, page: PagePtr, index: number): Address {
    return this.memory.read32(page + PAGE_S_MEM) + index * this.memory.read32(s + CACHE_SIZE);
  }

  /** obj_to_index */
  indexOf(s: KmemCachePtr, page: PagePtr, object: Address): number {
    const into = object - this.memory.read32(page + PAGE_S_MEM);
    return Math.floor(into / this.memory.read32(s + CACHE_SIZE));
  }

  active(page: PagePtr): number {
    return this.memory.read32(page + PAGE_ACTIVE);
  }

  /** slab_get_obj: takes the next free object. */
  take(s: KmemCachePtr, page: PagePtr): Address {
    const active = this.active(page);
    const object = this.objectAt(s, page, this.numberAt(page, active));
    this.memory.write32(page + PAGE_ACTIVE, active + 1);
    return object;
  }

  /** slab_put_obj: the object becomes the next to be taken. */
  put(s: KmemCachePtr, page: PagePtr, object: Address): void {
    const active = this.active(page) - 1;
    this.memory.write32(page + PAGE_ACTIVE, active);
    this.setNumber(page, active, this.indexOf(s, page, object));
  }

  /** The last free object was taken. */
  becameFull(_s: KmemCachePtr, _page: PagePtr): void {}

  /** The slab's pages go: frees an off-slab array. */
  release(s: KmemCachePtr, page: PagePtr): void {
    if (this.isOffSlab(s)) this.context.common.kfree(this.memory.read32(page + PAGE_FREELIST));
  }

  protected isOffSlab(s: KmemCachePtr): boolean {
    return (this.memory.read32(s + KmemCache.flags) & CFLGS_OFF_SLAB) !== 0;
  }
}
