// SPDX-License-Identifier: GPL-2.0-only
/**
 * What the counts of a cache with cpu slabs add up to:
 *
 *     objects    handed out less taken back: in use
 *     slabs      made less given back: there are
 *     CPUs'      new, found on a node's list, or full and freed to, less given up: a CPU's
 *     nodes'     listed less taken off: on the lists
 *
 * Debug caches take other ways, which count less. Until Linux 5.13 a slab is listed before the swap
 * that gives it up, and counted once more if that fails.
 */
import type { Counted, EventCounts } from "../../caches/event-counts.ts";
import { since } from "../../caches/kernel-version.ts";
import {
  ALLOC_FASTPATH,
  ALLOC_FROM_PARTIAL,
  ALLOC_REFILL,
  ALLOC_SLAB,
  ALLOC_SLOWPATH,
  CMPXCHG_DOUBLE_FAIL,
  CPU_PARTIAL_ALLOC,
  CPU_PARTIAL_FREE,
  CPU_PARTIAL_NODE,
  DEACTIVATE_BYPASS,
  DEACTIVATE_EMPTY,
  DEACTIVATE_FULL,
  DEACTIVATE_REMOTE_FREES,
  DEACTIVATE_TO_HEAD,
  DEACTIVATE_TO_TAIL,
  FREE_ADD_PARTIAL,
  FREE_FASTPATH,
  FREE_FROZEN,
  FREE_REMOVE_PARTIAL,
  FREE_SLAB,
  FREE_SLOWPATH,
} from "../statistics.ts";
import type { CacheWalk, Place } from "./slab-audit.ts";

/** `inUse`: objects that callers hold. */
export function auditBalances(
  walk: CacheWalk,
  counts: EventCounts,
  counted: Counted,
  inUse: number,
): void {
  const { slub, s, places } = walk;
  const { kernel } = slub.context.common;
  const listsFirst = !since(kernel, "5.13");
  const countsPops = !since(kernel, "5.15") || since(kernel, "6.18");
  const out = counts.of(ALLOC_FASTPATH, ALLOC_SLOWPATH);
  const back = counts.of(FREE_FASTPATH, FREE_SLOWPATH);
  const isExact = counted.objects === "each";
  // Objects that a bulk allocation pops off a private list are not always counted.
  if (isExact || countsPops) {
    const room = isExact ? 0 : undefined;
    counts.compare("objects handed out, taken back or in use", out, back + inUse, room);
  }
  const made = counts.of(ALLOC_SLAB);
  const gone = counts.of(FREE_SLAB);
  counts.compare(
    "slabs made, gone or there",
    made,
    gone + places.size,
    counted.slabs ? 0 : undefined,
  );
  if (slub.context.isDebug(s)) return;
  const failed = listsFirst ? counts.of(CMPXCHG_DOUBLE_FAIL) : 0;
  const there = (kind: Place["kind"]): number =>
    [...places.values()].filter((all) => all.some((place) => place.kind === kind)).length;
  const ofCpus = there("cpu slab") + there("cpu partial");
  const pushed = counts.of(CPU_PARTIAL_FREE, CPU_PARTIAL_NODE);
  counts.compare(
    "slabs given up by CPUs or theirs, taken by CPUs",
    counts.of(DEACTIVATE_BYPASS, DEACTIVATE_FULL, DEACTIVATE_TO_HEAD, DEACTIVATE_TO_TAIL) +
      counts.of(DEACTIVATE_EMPTY, FREE_ADD_PARTIAL) +
      ofCpus,
    made + counts.of(ALLOC_FROM_PARTIAL) + pushed,
    failed,
  );
  counts.compare(
    "slabs pushed on lists of CPUs, popped or there",
    pushed,
    counts.of(CPU_PARTIAL_ALLOC, FREE_ADD_PARTIAL) + there("cpu partial"),
    counts.of(DEACTIVATE_EMPTY),
  );
  counts.compare(
    "slabs put on lists of nodes, taken off or there",
    counts.of(FREE_ADD_PARTIAL, DEACTIVATE_TO_HEAD, DEACTIVATE_TO_TAIL),
    counts.of(ALLOC_FROM_PARTIAL, CPU_PARTIAL_NODE, FREE_REMOVE_PARTIAL) + there("partial"),
    counted.slabs ? failed : undefined,
  );
  counts.compare(
    "slabs given back, empty when given up or taken off a list",
    gone,
    counts.of(DEACTIVATE_EMPTY, FREE_REMOVE_PARTIAL),
    0,
  );
  counts.compare(
    "remote frees of slabs given up, slabs put at the tail",
    counts.of(DEACTIVATE_REMOTE_FREES) + failed,
    counts.of(DEACTIVATE_TO_TAIL),
  );
  counts.compare(
    "slow allocations, from slabs found for them",
    counts.of(ALLOC_SLOWPATH),
    counts.of(ALLOC_REFILL, ALLOC_FROM_PARTIAL, ALLOC_SLAB),
  );
  counts.compare(
    "slow frees, to slabs of CPUs or lists",
    counts.of(FREE_SLOWPATH),
    counts.of(FREE_FROZEN, CPU_PARTIAL_FREE, FREE_REMOVE_PARTIAL),
  );
}
