// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB's part of /proc/slabinfo (get_slabinfo). An object in a CPU's, a shared or an alien array
 * counts as in use; a slab is active unless all its objects are on its own list.
 */
import type { SlabInfo, SlabStatistics } from "../../caches/slab-info.ts";
import type { Address } from "../../machine/memory.ts";
import type { NodeLists } from "../node-lists.ts";
import type { SlabContext } from "../slab-context.ts";
import { SLAB_STAT_NAMES, type SlabStatName } from "../statistics.ts";
import { ArrayCache, COUNTERS, KmemCache, KmemCacheNode, type KmemCachePtr } from "../structs.ts";

export function slabInfo(context: SlabContext, lists: NodeLists, s: KmemCachePtr): SlabInfo {
  const { memory } = context;
  const length = (head: Address): number => {
    let count = 0;
    for (let at = memory.read32(head); at !== head; at = memory.read32(at)) count++;
    return count;
  };
  let activeSlabs = 0;
  let freeSlabs = 0;
  let freeObjects = 0;
  let sharedAvail = 0;
  for (let nid = 0; nid < context.nodes; nid++) {
    const n = context.nodeOf(s, nid);
    if (n === 0) continue;
    const flags = lists.lockIrqsave(n);
    const [partial, full, free] = lists.heads(n);
    activeSlabs += length(partial) + length(full);
    freeSlabs += length(free);
    freeObjects += memory.read32(n + KmemCacheNode.freeObjects);
    const shared = memory.read32(n + KmemCacheNode.shared);
    if (shared !== 0) sharedAvail += memory.read32(shared + ArrayCache.avail);
    lists.unlockIrqrestore(n, flags);
  }
  const field = (offset: number) => memory.read32(s + offset);
  const numSlabs = activeSlabs + freeSlabs;
  const numObjs = numSlabs * field(KmemCache.num);
  return {
    activeObjs: numObjs - freeObjects,
    numObjs,
    objectsPerSlab: field(KmemCache.num),
    cacheOrder: field(KmemCache.gfporder),
    limit: field(KmemCache.limit),
    batchcount: field(KmemCache.batchcount),
    shared: field(KmemCache.shared),
    activeSlabs,
    numSlabs,
    sharedAvail,
  };
}

/** The counts of all CPUs, summed, and the marks that options/statistics.ts keeps. */
export function slabStatistics(context: SlabContext, s: KmemCachePtr): SlabStatistics {
  const { memory, machine } = context;
  const arrays = memory.readOnce(s + KmemCache.cpuSlab);
  const events = (name: SlabStatName): number => {
    const at = COUNTERS + (SLAB_STAT_NAMES.indexOf(name) << 2);
    let sum = 0;
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
      sum += memory.readOnce(memory.perCpuPtr(arrays, cpu) + at) >>> 0;
    }
    return sum;
  };
  const largest = (offset: number): number => {
    let most = 0;
    for (let nid = 0; nid < context.nodes; nid++) {
      const n = context.nodeOf(s, nid);
      if (n !== 0) most = Math.max(most, memory.readOnce(n + offset));
    }
    return most;
  };
  return {
    listallocs: events("listallocs"),
    maxobjs: largest(KmemCacheNode.highMark),
    grown: events("grown"),
    reaped: events("reaped"),
    error: events("error"),
    maxfreeable: largest(KmemCacheNode.maxFreeable),
    nodeallocs: events("nodeallocs"),
    remotefrees: events("remotefrees"),
    alienoverflow: events("alienoverflow"),
    allochit: events("allochit"),
    allocmiss: events("allocmiss"),
    freehit: events("freehit"),
    freemiss: events("freemiss"),
  };
}
