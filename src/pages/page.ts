// SPDX-License-Identifier: GPL-2.0-only
/**
 * struct page: one 64-byte descriptor for each page of 4096 bytes, in one array. What it holds
 * depends on whose the page is: the buddy lists, SLUB, SLAB, or a large kmalloc. A block of several
 * pages is described by its first page (the head); the others only point to it.
 */
import { PAGE_SHIFT } from "../machine/machine.ts";
import type { Address, Ptr } from "../machine/memory.ts";
import { RcuHead } from "../machine/rcu.ts";
import { embed, firstOfTwo, list, ptr, struct, word } from "../machine/struct.ts";

export type PagePtr = Ptr<"page">;

export const Page = struct(
  "page",
  {
    /** PG_ bits; the node in bits 24 to 27. */
    flags: word,
    /** The head of the block this page is part of: itself, unless it is a tail of a compound. */
    head: ptr,
    /** SLUB: first free object; swapped together with counters. SLAB: the index array. */
    freelist: firstOfTwo(ptr),
    /** SLUB: inuse, objects, frozen (see slub/counters.ts). SLAB: objects handed out (active). */
    counters: word,
    /** A list of its owner: buddy, node partial, full, SLAB's three. */
    lru: list,
    /** The cache whose slab this is. */
    slabCache: ptr,
    /** SLUB: next slab of a cpu partial chain, and what the chain from here on amounts to. */
    next: ptr,
    pages: word,
    pobjects: word,
    /** SLAB: first object. */
    sMem: ptr,
    /** log2 of the pages in the block. */
    order: word,
    /** While the slab waits for a grace period. */
    rcu: embed(RcuHead),
    /** Who is charged: a group or objcg for the block, or (bit 0) a vector of the slab's objects. */
    memcgData: ptr,
    /** 7.1: bytes from one entry of that vector to the next. */
    stride: word,
  },
  64,
);

/** Bit spinlock of a slab without double-word swaps (slab_lock). */
export const PG_LOCKED = 1 << 0;
/** The block belongs to a slab allocator. */
export const PG_SLAB = 1 << 1;
/** First page of a compound block: `order` is valid. */
export const PG_HEAD = 1 << 2;
/** First page of a free block, on a buddy list. */
export const PG_BUDDY = 1 << 3;
/** Lies on a per-CPU list of free pages. */
export const PG_PCP = 1 << 4;
/** Cannot be had: the machine itself lies there. */
export const PG_RESERVED = 1 << 5;
/** First page of a block that was handed out. */
export const PG_ALLOCATED = 1 << 6;

/** SLUB since 6.8: the slab is on its node's partial list (slab_test_node_partial). */
export const SL_PARTIAL = 1 << 7;

/** A block of a range (ranges.ts). */
export const PG_RANGE = 1 << 7;
/** The page came from the reserves (page->pfmemalloc), and so did the slab made of it. */
export const PG_PFMEMALLOC = 1 << 8;
/** A page of KFENCE's pool that nobody may access now. */
export const PG_KFENCE_PROTECTED = 1 << 9;

export const PG_NODE_SHIFT = 24;
export const PG_NODE_MASK = 0xf;

/** log2 of the size of struct page. */
export const PAGE_STRUCT_SHIFT = 6;

/**
 * Where page descriptors and pages lie: pure address arithmetic. `base` is where the descriptor of page
 * 0 would be, so a descriptor and its page are found from each other by shifts; the first page that has
 * one is the first of the machine.
 */
export class PageArray {
  declare readonly base: Address;
  /** Number of the first page. */
  declare readonly first: number;

  /** `start`: of the machine in the memory; `at`: of the array. */
  constructor(start: Address, at: Address) {
    this.first = start >>> PAGE_SHIFT;
    this.base = at - (this.first << PAGE_STRUCT_SHIFT);
  }

  /** virt_to_page: the descriptor of the page that holds `address`. */
  of(address: Address): PagePtr {
    return this.base + ((address >>> PAGE_SHIFT) << PAGE_STRUCT_SHIFT);
  }

  /** page_address: the first byte of the page. */
  address(page: PagePtr): Address {
    return ((page - this.base) >>> PAGE_STRUCT_SHIFT) << PAGE_SHIFT;
  }

  /** page_to_pfn */
  number(page: PagePtr): number {
    return (page - this.base) >>> PAGE_STRUCT_SHIFT;
  }

  /** pfn_to_page */
  numbered(pfn: number): PagePtr {
    return this.base + (pfn << PAGE_STRUCT_SHIFT);
  }
}
