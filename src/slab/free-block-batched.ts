// SPDX-License-Identifier: GPL-2.0-only
/**
 * Freeing since Linux 4.7: all objects go home first; then, as long as there are too many free
 * ones, the slabs that were empty longest go.
 */
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import { FreeBlock } from "./free-block.ts";
import { KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

export class FreeBlockBatched extends FreeBlock {
  override free(s: KmemCachePtr, n: KmemCacheNodePtr, objects: readonly Address[]): PagePtr[] {
    this.lists.addCount(n, KmemCacheNode.freeObjects, objects.length);
    for (const object of objects) {
      const page = this.putBack(s, n, object);
      if (this.indexes.active(page) === 0) this.lists.addFree(n, page);
      else this.lists.addPartialTail(n, page);
    }
    const slabsToFree: PagePtr[] = [];
    while (this.isOverLimit(n)) {
      const page = this.lists.removeLastFree(s, n);
      if (page === 0) break;
      slabsToFree.unshift(page);
    }
    return slabsToFree;
  }
}
