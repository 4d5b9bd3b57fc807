// SPDX-License-Identifier: GPL-2.0-only
/**
 * Objects go home to their slabs (free_block), under the list_lock of their node. Slabs that are no
 * longer wanted leave the lists and are returned: the caller drops the lock first and
 * destroys them then.
 *
 * 4.1 looks at the limit when a slab becomes empty: over it, that slab goes.
 */
import type { Address, Memory } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import { OBJ_PFMEMALLOC, oldestObjects } from "./array-cache.ts";
import type { IndexArray } from "./index-array.ts";
import type { NodeLists } from "./node-lists.ts";
import type { SlabContext } from "./slab-context.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "./structs.ts";

/** The parts of a SLAB that it uses. */
export interface FreeBlockParts {
  readonly context: SlabContext;
  readonly indexes: IndexArray;
  readonly lists: NodeLists;
}

export class FreeBlock {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly indexes: IndexArray;
  declare protected readonly lists: NodeLists;

  constructor(parts: FreeBlockParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.indexes = parts.indexes;
    this.lists = parts.lists;
  }

  /** Gives objects of node `n` back; returns the slabs to destroy, in order. */
  free(s: KmemCachePtr, n: KmemCacheNodePtr, objects: readonly Address[]): PagePtr[] {
    const slabsToFree: PagePtr[] = [];
    for (const entry of objects) {
      // clear_obj_pfmemalloc
      const object = entry & ~OBJ_PFMEMALLOC;
      const page = this.putBack(s, n, object);
      this.lists.addCount(n, KmemCacheNode.freeObjects, 1);
      if (this.indexes.active(page) !== 0) {
        this.lists.addPartialTail(n, page);
      } else if (this.isOverLimit(n)) {
        this.lists.forget(s, n);
        slabsToFree.push(page);
      } else {
        this.lists.addFree(n, page);
      }
    }
    return slabsToFree;
  }

  /**
   * Gives all objects of an array back. It is empty before slabs are destroyed, as in Flush.leave.
   */
  empty(s: KmemCachePtr, n: KmemCacheNodePtr, ac: ArrayCachePtr): PagePtr[] {
    const slabsToFree = this.freeAll(s, n, ac);
    this.memory.writeOnce(ac + ArrayCache.avail, 0);
    return slabsToFree;
  }

  /** The same for an array that was replaced; its entries are left as they are. */
  freeAll(s: KmemCachePtr, n: KmemCacheNodePtr, ac: ArrayCachePtr): PagePtr[] {
    const { memory } = this;
    const avail = memory.read32(ac + ArrayCache.avail);
    return this.free(s, n, oldestObjects(memory, ac, avail));
  }

  /** Marks the object free in its slab, which is on no list then. */
  protected putBack(s: KmemCachePtr, n: KmemCacheNodePtr, object: Address): PagePtr {
    const page = this.context.pages.virtToHeadPage(object);
    this.lists.remove(n, page);
    this.indexes.put(s, page, object);
    return page;
  }

  protected isOverLimit(n: KmemCacheNodePtr): boolean {
    const free = this.memory.read32(n + KmemCacheNode.freeObjects);
    return free > this.memory.read32(n + KmemCacheNode.freeLimit);
  }
}
