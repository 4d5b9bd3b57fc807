// SPDX-License-Identifier: GPL-2.0-only
/**
 * Refilling since Linux 4.7. A look without list_lock decides whether taking it is worth it
 * (801faf0db894): n->shared is read with interrupts off, and a CPU that replaces the array waits for
 * a grace period before it frees the old one. A new slab's objects go to the array before the slab
 * is listed (213b46958c65), if the task is still on that node: an array that is emptied goes home to
 * its CPU's node, all of it.
 */

import { Refill } from "./refill.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "./structs.ts";

export class RefillUnlocked extends Refill {
  protected override refill(s: KmemCachePtr, gfp: number, empty: ArrayCachePtr): ArrayCachePtr {
    const { memory } = this;
    const nid = this.context.localNode();
    const n = this.context.nodeOf(s, nid);
    if (this.seemsToHaveObjects(n)) {
      this.lists.lock(n);
      this.takeFromNode(s, n, empty, this.batchOf(empty));
      this.lists.unlock(n);
      if (memory.read32(empty + ArrayCache.avail) !== 0) return empty;
    }
    return this.grown(s, gfp, nid, empty);
  }

  /** The node has nothing for the request: an array that was filled from a new slab. */
  protected grown(s: KmemCachePtr, gfp: number, nid: number, empty: ArrayCachePtr): ArrayCachePtr {
    const { memory } = this;
    const page = this.grow.begin(s, gfp, nid);
    const ac = this.arrayAfterGrow(s, empty);
    if (page === 0) return ac;
    if (memory.read32(ac + ArrayCache.avail) === 0 && this.context.localNode() === nid) {
      // Asked again: the array that is here now may hold less than the one before.
      this.takeFromSlab(s, page, ac, this.batchOf(ac));
    }
    this.grow.end(s, page);
    return ac;
  }

  /** Racy: a wrong answer costs a new slab, or a look under the lock. */
  private seemsToHaveObjects(n: KmemCacheNodePtr): boolean {
    const { memory } = this;
    if (memory.readOnce(n + KmemCacheNode.freeObjects) !== 0) return true;
    const shared = memory.readOnce(n + KmemCacheNode.shared);
    return shared !== 0 && this.availOf(shared) !== 0;
  }

  /** Objects in a shared array whose lock is not held: it may be replaced, but not freed. */
  protected availOf(shared: ArrayCachePtr): number {
    return this.memory.readOnce(shared + ArrayCache.avail);
  }
}
