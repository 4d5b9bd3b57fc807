// SPDX-License-Identifier: GPL-2.0-only
/**
 * What the counts of a cache with sheaves add up to:
 *
 *     objects    handed out less taken back: in use
 *     sheaves'   put in less taken out: in the sheaves
 *     slabs      made less given back: at least those there are; some ways of giving back count none
 */
import type { ObjectHolders } from "../../../caches/audit-findings.ts";
import { type Counted, EventCounts } from "../../../caches/event-counts.ts";
import type { PagePtr } from "../../../pages/page.ts";
import { objectsOfSlab } from "../../observer/slab-objects.ts";
import { KmemCache } from "../../structs.ts";
import {
  ALLOC_FASTPATH,
  ALLOC_SLAB,
  ALLOC_SLOWPATH,
  FREE_FASTPATH,
  FREE_RCU_SHEAF,
  FREE_SLAB,
  FREE_SLOWPATH,
  SHEAF_FLUSH,
  SHEAF_REFILL,
} from "../statistics.ts";
import type { SheafWalk } from "./audit.ts";

export function auditSheafBalances(
  { slub, s, name, findings, waiting, census }: SheafWalk,
  slabs: readonly PagePtr[],
  holders: ObjectHolders | undefined,
  counted: Counted,
): void {
  const { memory, machine } = slub.context;
  const stats = memory.read32(s + KmemCache.cpuStats);
  const { cpus } = machine.options;
  const words = Array.from({ length: cpus }, (_, cpu) => memory.perCpuPtr(stats, cpu));
  const counts = new EventCounts(name, findings, memory, words);
  const objects = slabs.flatMap((page) => objectsOfSlab(slub.context, s, page));
  counts.compare(
    "objects handed out, taken back or in use",
    counts.of(ALLOC_FASTPATH, ALLOC_SLOWPATH),
    counts.of(FREE_FASTPATH, FREE_SLOWPATH, FREE_RCU_SHEAF) +
      objects.filter((object) => holders?.isLive(object) && !waiting.has(object)).length,
    counted.objects === "each" ? 0 : undefined,
  );
  counts.equal(
    "objects put into sheaves, taken out or there",
    counts.of(SHEAF_REFILL, FREE_FASTPATH, FREE_RCU_SHEAF),
    counts.of(ALLOC_FASTPATH, SHEAF_FLUSH) + census.objects,
  );
  counts.compare(
    "slabs made, gone or there",
    counts.of(ALLOC_SLAB),
    counts.of(FREE_SLAB) + slabs.length,
  );
}
