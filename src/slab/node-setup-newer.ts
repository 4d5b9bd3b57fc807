/**
 * Node setup in the form of 5.10 and 6.1 (setup_kmem_cache_node): the node struct first, then the
 * exchange of its queues. Refilling looks at n->shared without a lock, so a shared array that was
 * replaced is freed after a grace period only.
 */

import { NodeSetup } from "./node-setup.ts";
import type { ArrayCachePtr, KmemCachePtr } from "./structs.ts";
import { KmemCacheNode } from "./structs.ts";

export class NewerNodeSetup extends NodeSetup {
  protected override setUp(s: KmemCachePtr, nid: number, gfp: number): boolean {
    return this.setUpNode(s, nid, gfp, true);
  }

  /** `force`: a shared array that exists is replaced. Without it a node only gets what it lacks. */
  setUpNode(s: KmemCachePtr, nid: number, gfp: number, force: boolean): boolean {
    const { memory } = this;
    const queues = this.allocQueues(s, nid, gfp);
    if (queues === undefined) return false;
    if (!this.initNode(s, nid, gfp)) {
      this.storage.kfree(queues.shared);
      this.aliens.release(queues.alien);
      return false;
    }
    const n = this.context.nodeOf(s, nid);
    const flags = this.lists.lockIrqsave(n);
    const old = memory.read32(n + KmemCacheNode.shared);
    const replace = old === 0 || force;
    const doomed = replace ? this.emptyShared(s, n, old) : [];
    if (replace) memory.writeOnce(n + KmemCacheNode.shared, queues.shared);
    const unused = this.giveAlien(n, queues.alien);
    this.lists.unlockIrqrestore(n, flags);
    this.slabPages.destroyAll(s, doomed);
    if (replace) this.retireShared(old);
    else this.storage.kfree(queues.shared);
    this.aliens.release(unused);
    return true;
  }

  /** init_cache_node: the node exists and has the limit that its CPUs and tunables ask for. */
  initNode(s: KmemCachePtr, nid: number, gfp: number): boolean {
    const known = this.context.nodeOf(s, nid);
    const n = known === 0 ? this.allocNode(s, nid, gfp) : known;
    if (n === 0) return false;
    const flags = this.lists.lockIrqsave(n);
    this.setFreeLimit(s, n, nid);
    this.lists.unlockIrqrestore(n, flags);
    if (known === 0) this.setNode(s, nid, n);
    return true;
  }

  /** Whoever still looks at the old array has interrupts off, so it waits for a grace period. */
  protected retireShared(old: ArrayCachePtr): void {
    if (old === 0) return;
    this.context.machine.rcu.synchronize();
    this.storage.kfree(old);
  }
}
