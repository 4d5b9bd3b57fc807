// SPDX-License-Identifier: GPL-2.0-only
/**
 * A CPU's array is full (cache_flusharray): its oldest batch moves to the node's shared array, as
 * far as there is room, or else home to the slabs. Interrupts are off.
 */
import type { Memory } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import { dropOldest, oldestObjects } from "./array-cache.ts";
import type { FreeBlock } from "./free-block.ts";
import type { NodeLists } from "./node-lists.ts";
import type { SlabContext } from "./slab-context.ts";
import type { SlabPages } from "./slab-pages.ts";
import { SHARED_FLUSH } from "./statistics.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  entryAt,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface FlushParts {
  readonly context: SlabContext;
  readonly lists: NodeLists;
  readonly freeBlock: FreeBlock;
  readonly slabPages: SlabPages;
}

export class Flush {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly lists: NodeLists;
  declare protected readonly freeBlock: FreeBlock;
  declare protected readonly slabPages: SlabPages;

  constructor(parts: FlushParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.lists = parts.lists;
    this.freeBlock = parts.freeBlock;
    this.slabPages = parts.slabPages;
  }

  /** Makes room in this CPU's array. */
  flush(s: KmemCachePtr, ac: ArrayCachePtr): void {
    const { memory } = this;
    const n = this.context.nodeOf(s, this.context.localNode());
    this.lists.lock(n);
    const batch = memory.read32(ac + ArrayCache.batchcount);
    const moved = this.moveToShared(s, n, ac, batch);
    const gone = moved === 0 ? batch : moved;
    const slabsToFree =
      moved === 0 ? this.freeBlock.free(s, n, oldestObjects(memory, ac, batch)) : [];
    this.lists.unlock(n);
    this.leave(s, ac, gone, slabsToFree);
  }

  /**
   * The entries leave the array before slabs are destroyed: destroying may free to this very array,
   * which would flush the same entries once more (678ff6a7afcc).
   */
  protected leave(s: KmemCachePtr, ac: ArrayCachePtr, count: number, slabsToFree: PagePtr[]): void {
    dropOldest(this.memory, ac, count);
    this.slabPages.destroyAll(s, slabsToFree);
  }

  private moveToShared(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    ac: ArrayCachePtr,
    batch: number,
  ): number {
    const { memory } = this;
    const shared = memory.readOnce(n + KmemCacheNode.shared);
    if (shared === 0) return 0;
    const avail = memory.read32(shared + ArrayCache.avail);
    const count = Math.min(batch, memory.read32(shared + ArrayCache.limit) - avail);
    if (count <= 0) return 0;
    memory.copy(entryAt(shared, avail), entryAt(ac, 0), count << 2);
    memory.writeOnce(shared + ArrayCache.avail, avail + count);
    this.context.stat(s, SHARED_FLUSH);
    return count;
  }
}
