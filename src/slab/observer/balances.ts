// SPDX-License-Identifier: GPL-2.0-only
/**
 * What the counts of a cache of SLAB add up to: objects handed out less taken back are in use, and
 * no more slabs are there than were made. An allocation that finds no memory near is counted again
 * where it is met.
 */
import { type Counted, EventCounts } from "../../caches/event-counts.ts";
import { since } from "../../caches/kernel-version.ts";
import {
  ALLOCHIT,
  ALLOCMISS,
  FREEHIT,
  FREEMISS,
  GROWN,
  NODEALLOCS,
  REMOTEFREES,
} from "../statistics.ts";
import { COUNTERS, KmemCache } from "../structs.ts";
import type { CacheWalk } from "./audit.ts";

export function auditBalances(walk: CacheWalk, counted: Counted): void {
  const { slab, memory, s, name, findings, lists } = walk;
  const { cpus } = slab.context.machine.options;
  const arrays = memory.read32(s + KmemCache.cpuSlab);
  const words = Array.from({ length: cpus }, (_, cpu) => memory.perCpuPtr(arrays, cpu) + COUNTERS);
  const counts = new EventCounts(name, findings, memory, words);
  const grown = counts.of(GROWN);
  // Since Linux 4.7 the first object of a slab that was made for another node is not counted.
  const first = since(slab.context.common.kernel, "4.7") ? grown : 0;
  counts.compare(
    "objects handed out, taken back or in use",
    counts.of(ALLOCHIT, ALLOCMISS, NODEALLOCS) + first,
    counts.of(FREEHIT, FREEMISS, REMOTEFREES) + inUse(walk),
    counted.objects === "each" ? first : undefined,
  );
  counts.compare("slabs made and there", grown, lists.size);
}

function inUse({ slab, memory, s, num, lists, holders }: CacheWalk): number {
  const offset = memory.read32(s + KmemCache.objOffset);
  let held = 0;
  for (const page of lists.keys()) {
    for (let index = 0; index < num; index++) {
      if (holders?.isLive(slab.indexes.objectAt(s, page, index) + offset)) held++;
    }
  }
  return held;
}
