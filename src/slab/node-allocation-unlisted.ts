// SPDX-License-Identifier: GPL-2.0-only
/**
 * Since Linux 4.7 (76b342bdc71b): the first object of a new slab is taken before the slab is
 * listed.
 */
import type { Address } from "../machine/memory.ts";
import { NodeAllocation } from "./node-allocation.ts";
import type { KmemCachePtr } from "./structs.ts";

export class NodeAllocationUnlisted extends NodeAllocation {
  override allocate(s: KmemCachePtr, gfp: number, nid: number): Address {
    const n = this.nodeAt(s, nid);
    if (n === 0) return this.fallback(s, gfp);
    const listed = this.takeOne(s, n);
    if (listed !== 0) return listed;
    const page = this.grow.begin(s, gfp, nid);
    if (page === 0) return this.fallback(s, gfp);
    const object = this.indexes.take(s, page);
    this.grow.end(s, page);
    return object;
  }
}
