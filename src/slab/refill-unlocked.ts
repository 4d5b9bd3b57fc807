/**
 * Refilling in the form of 5.10 and 6.1. Whether it is worth taking list_lock is seen without it
 * (801faf0db894): n->shared is read with interrupts off, and whoever replaces the array waits for a
 * grace period before freeing it. A new slab's objects go to the array before the slab is listed, if
 * the task is still on that node: whoever empties an array sends all of it home to its CPU's node.
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
