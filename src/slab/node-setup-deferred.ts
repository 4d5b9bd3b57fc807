// SPDX-License-Identifier: GPL-2.0-only
/**
 * Node setup since Linux 4.7 (setup_kmem_cache_node; 801faf0db894): the node struct first, then the
 * exchange of its queues. Refilling looks at n->shared without a lock, so a shared array that was
 * replaced is freed after a grace period only.
 */

import { NodeSetup } from "./node-setup.ts";
import type { ArrayCachePtr, KmemCachePtr } from "./structs.ts";

export class NodeSetupDeferred extends NodeSetup {
  protected override setUp(s: KmemCachePtr, nid: number, gfp: number): boolean {
    return this.setUpNode(s, nid, gfp, "replace");
  }

  /** A refill that still looks at the old array has interrupts off: a grace period waits for it. */
  protected override retireShared(old: ArrayCachePtr): void {
    if (old === 0) return;
    this.context.machine.rcu.synchronize();
    this.context.common.kfree(old);
  }
}
