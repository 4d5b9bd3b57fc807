// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLUB's part of /proc/slabinfo (get_slabinfo). An object on a CPU's private list counts as in use,
 * and every slab as active: SLUB does not know better without stopping everybody.
 */
import type { SlabInfo } from "../../caches/slab-info.ts";
import { Page } from "../../pages/page.ts";
import { freeOf } from "../counters.ts";
import type { NodePartial } from "../node-partial.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, KmemCacheNode, type KmemCachePtr, ooObjects, ooOrder } from "../structs.ts";

export function slabInfo(
  context: SlubContext,
  nodePartial: NodePartial,
  s: KmemCachePtr,
): SlabInfo {
  const { memory } = context;
  let numSlabs = 0;
  let numObjs = 0;
  let free = 0;
  for (let nid = 0; nid < context.machine.options.nodes; nid++) {
    const n = context.nodeOf(s, nid);
    if (n === 0) continue;
    numSlabs += memory.loadAcquire(n + KmemCacheNode.nrSlabs);
    numObjs += memory.loadAcquire(n + KmemCacheNode.totalObjects);
    const flags = nodePartial.lockIrqsave(n);
    for (let page = nodePartial.first(n); page !== 0; page = nodePartial.next(n, page)) {
      free += freeOf(memory.readOnce(page + Page.counters));
    }
    nodePartial.unlockIrqrestore(n, flags);
  }
  const oo = memory.readOnce(s + KmemCache.oo);
  return {
    activeObjs: numObjs - free,
    numObjs,
    objectsPerSlab: ooObjects(oo),
    cacheOrder: ooOrder(oo),
    limit: 0,
    batchcount: 0,
    shared: 0,
    activeSlabs: numSlabs,
    numSlabs,
    sharedAvail: 0,
  };
}
