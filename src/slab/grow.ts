// SPDX-License-Identifier: GPL-2.0-only
/**
 * A new slab: pages, an index array, a colour, and every object set up once. `begin` makes it and
 * only its maker can reach it; `end` puts it on its node's lists. Between them a caller may take
 * objects from it.
 *
 * Where the caller may sleep, interrupts are on while `begin` asks for memory: afterwards the task
 * may be on another CPU, and its pointer to the array is stale.
 */

import { CACHE_LINE_SIZE } from "../caches/alignment.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { __GFP_NOWARN, __GFP_THISNODE, __GFP_WAIT, __GFP_ZERO } from "../pages/gfp.ts";
import type { PagePtr } from "../pages/page.ts";
import type { IndexArray } from "./index-array.ts";
import type { NodeLists } from "./node-lists.ts";
import type { SlabContext } from "./slab-context.ts";
import type { SlabPages } from "./slab-pages.ts";
import { COLOURED, GROWN } from "./statistics.ts";
import { KmemCache, KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface GrowParts {
  readonly context: SlabContext;
  readonly indexes: IndexArray;
  readonly lists: NodeLists;
  readonly slabPages: SlabPages;
}

export class Grow {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly indexes: IndexArray;
  declare protected readonly lists: NodeLists;
  declare protected readonly slabPages: SlabPages;

  constructor(parts: GrowParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.indexes = parts.indexes;
    this.lists = parts.lists;
    this.slabPages = parts.slabPages;
  }

  /**
   * gfp_exact_node: for a request that no other node may serve. It does not sleep, since other nodes
   * are asked next; with one node, as without CONFIG_NUMA, it does what the caller may.
   */
  exactNode(gfp: number): number {
    const exact = gfp | __GFP_THISNODE | __GFP_NOWARN;
    return this.context.nodes > 1 ? exact & ~__GFP_WAIT : exact;
  }

  /** cache_grow, up to where the slab is finished: on exactly that node, or 0. Interrupts are off. */
  begin(s: KmemCachePtr, gfp: number, nid: number): PagePtr {
    const exact = this.exactNode(gfp);
    const offset = this.colourOffset(s, this.nextColour(s, this.context.nodeOf(s, nid)));
    return this.sleeping(exact, () => {
      const page = this.slabPages.getPages(s, exact, nid);
      return page === 0 ? 0 : this.setUp(s, page, offset, exact, nid);
    });
  }

  /** The same on whichever node has memory, for fallback_alloc. */
  beginAnywhere(s: KmemCachePtr, gfp: number): PagePtr {
    const near = this.context.localNode();
    const page = this.sleeping(gfp, () => this.slabPages.getPages(s, gfp, near));
    if (page === 0) return 0;
    const nid = this.context.pages.pageToNid(page);
    const offset = this.colourOffset(s, this.nextColour(s, this.context.nodeOf(s, nid)));
    return this.sleeping(gfp, () => this.setUp(s, page, offset, gfp, nid));
  }

  /** Runs a step that may sleep if the caller may. */
  protected sleeping(gfp: number, step: () => PagePtr): PagePtr {
    if ((gfp & __GFP_WAIT) === 0) return step();
    this.memory.irqEnable();
    const page = step();
    this.memory.irqDisable();
    return page;
  }

  /** Which colour the next slab of the node gets: each in turn. 4.1 counts under list_lock. */
  protected nextColour(s: KmemCachePtr, n: KmemCacheNodePtr): number {
    const { memory } = this;
    this.lists.lock(n);
    const colour = memory.read32(n + KmemCacheNode.colourNext);
    const next = colour + 1;
    const wraps = next >= memory.read32(s + KmemCache.colour);
    memory.write32(n + KmemCacheNode.colourNext, wraps ? 0 : next);
    this.lists.unlock(n);
    return colour;
  }

  /** colour_off is a cache line, or the objects' alignment where that is more. */
  protected colourOffset(s: KmemCachePtr, colour: number): number {
    return colour * Math.max(CACHE_LINE_SIZE, this.memory.read32(s + KmemCache.align));
  }

  /** Makes a slab of the pages, or gives them back and returns 0. */
  protected setUp(
    s: KmemCachePtr,
    page: PagePtr,
    offset: number,
    gfp: number,
    nid: number,
  ): PagePtr {
    if (!this.indexes.place(s, page, offset, gfp & ~(__GFP_THISNODE | __GFP_ZERO), nid)) {
      this.slabPages.freePages(s, page);
      return 0;
    }
    if (this.setUpObjects(s, page)) {
      this.indexes.fill(s, page);
      return page;
    }
    this.indexes.release(s, page);
    this.slabPages.freePages(s, page);
    return 0;
  }

  /** cache_init_objs: once in the life of a slab, not per allocation. False: a constructor has failed. */
  protected setUpObjects(s: KmemCachePtr, page: PagePtr): boolean {
    const ctor = this.memory.read32(s + KmemCache.ctor);
    if (ctor === 0) return true;
    const { functions } = this.context.machine;
    return this.everyObject(s, page, (object) => functions.construct(ctor, object));
  }

  /** Sets up each object of a new slab, until one fails. */
  protected everyObject(
    s: KmemCachePtr,
    page: PagePtr,
    setUp: (object: Address) => boolean,
  ): boolean {
    const num = this.memory.read32(s + KmemCache.num);
    for (let i = 0; i < num; i++) if (!setUp(this.indexes.objectAt(s, page, i))) return false;
    return true;
  }

  /** cache_grow_end: the slab is its node's from here on. Interrupts are off. */
  end(s: KmemCachePtr, page: PagePtr): void {
    const n = this.context.nodeOfPage(s, page);
    if (this.indexes.isColoured(s, page)) this.context.stat(s, COLOURED);
    this.lists.lock(n);
    this.lists.addNew(s, n, page);
    this.lists.unlock(n);
    this.context.stat(s, GROWN);
  }
}
