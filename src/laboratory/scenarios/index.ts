// SPDX-License-Identifier: GPL-2.0-only
/**
 * Scenarios that belong to no single bug: the allocator as it is must pass them all. A scenario that
 * shows one bug stands in the file of that bug.
 */
import type { SlabScenario } from "../scenario.ts";
import { bulkInterrupt } from "./bulk-interrupt.ts";
import { guardedTwoCpus, quarantineShrink } from "./checked-objects.ts";
import { cpuGoes, nodeGoes } from "./comes-and-goes.ts";
import { cpuPartialOverflow } from "./cpu-partial-overflow.ts";
import { destroyFree } from "./destroy-free.ts";
import { freeGetPartial } from "./free-get-partial.ts";
import { leakScanFree } from "./leak-scan.ts";
import { bulkFails, pageFails } from "./memory-runs-out.ts";
import { migrationAlloc } from "./migration-alloc.ts";
import { migrationBulk } from "./migration-bulk.ts";
import { bulkFreeRemote, lastFreeTaken, migrationBeside, twoTakers } from "./nodes-lists.ts";
import { partialElsewhere } from "./partial-elsewhere.ts";
import { interleavedMoved, slabBoundMoved } from "./policies.ts";
import { pushInterrupt } from "./push-interrupt.ts";
import { gracePeriods, kfreeRcuReader, typesafeReader } from "./rcu-readers.ts";
import { remoteFreeFlush } from "./remote-free-flush.ts";
import {
  sheavesBarnLimit,
  sheavesBulk,
  sheavesLastFull,
  sheavesShrink,
  sheavesTwoCpus,
} from "./sheaves-cpus.ts";
import {
  sheavesInterrupt,
  sheavesInterruptBulk,
  sheavesInterruptRcu,
  sheavesNolock,
  sheavesNolockElsewhere,
} from "./sheaves-interrupt.ts";
import {
  sheavesMovedFlush,
  sheavesMovedFullBarn,
  sheavesMovedRcu,
  sheavesMovedRefill,
} from "./sheaves-migration.ts";
import {
  optInBulk,
  optInFlush,
  optInInterrupt,
  optInMoved,
  optInRefill,
} from "./sheaves-opt-in.ts";
import {
  sheavesCpuOffline,
  sheavesFlush,
  sheavesPrefill,
  sheavesRcuBarrier,
  sheavesRcuDestroy,
  sheavesRcuReader,
  sheavesWorkAndCall,
} from "./sheaves-rcu.ts";
import {
  sheavesBecomesEmpty,
  sheavesIsolated,
  sheavesShrinkSlabs,
  sheavesStrangers,
  sheavesTakeAll,
} from "./sheaves-slabs.ts";
import { shrinkFree } from "./shrink-free.ts";
import { slabAlienFree } from "./slab-alien-free.ts";
import {
  slabReapAliens,
  slabReapMoves,
  slabReserveGoes,
  slabTuneNodes,
  slabTwoFlushes,
} from "./slab-arrays.ts";
import { slabBulkInterrupt } from "./slab-bulk-interrupt.ts";
import { slabCpuOffline, slabNodeOffline } from "./slab-cpu-offline.ts";
import { slabTwoCpus } from "./slab-two-cpus.ts";
import { interruptChangesSlab, interruptTakesPartial } from "./slow-allocation-interrupt.ts";
import { sysfsRead } from "./sysfs-read.ts";
import { twoCallers } from "./two-callers.ts";
import { twoCpus } from "./two-cpus.ts";
import { twoFullSlabs } from "./two-full-slabs.ts";
import { twoNodes } from "./two-nodes.ts";
import { twoPageSlabs } from "./two-page-slabs.ts";
import { twoTasksBulk } from "./two-tasks-bulk.ts";

export const SCENARIOS: readonly SlabScenario[] = [
  twoCpus,
  remoteFreeFlush,
  freeGetPartial,
  cpuPartialOverflow,
  migrationAlloc,
  migrationBulk,
  bulkInterrupt,
  pushInterrupt,
  interruptTakesPartial,
  interruptChangesSlab,
  shrinkFree,
  destroyFree,
  twoNodes,
  twoTasksBulk,
  twoFullSlabs,
  partialElsewhere,
  twoCallers,
  slabTwoCpus,
  slabAlienFree,
  slabBulkInterrupt,
  slabCpuOffline,
  slabNodeOffline,
  sysfsRead,
  quarantineShrink,
  guardedTwoCpus,
  sheavesTwoCpus,
  sheavesLastFull,
  sheavesBarnLimit,
  sheavesBulk,
  sheavesShrink,
  sheavesInterrupt,
  sheavesNolock,
  sheavesNolockElsewhere,
  sheavesInterruptRcu,
  sheavesInterruptBulk,
  sheavesMovedRefill,
  sheavesMovedFlush,
  sheavesMovedFullBarn,
  sheavesMovedRcu,
  sheavesRcuBarrier,
  sheavesRcuDestroy,
  sheavesRcuReader,
  sheavesFlush,
  sheavesCpuOffline,
  sheavesWorkAndCall,
  sheavesPrefill,
  sheavesIsolated,
  sheavesTakeAll,
  sheavesBecomesEmpty,
  sheavesShrinkSlabs,
  sheavesStrangers,
  optInRefill,
  optInInterrupt,
  optInMoved,
  optInFlush,
  optInBulk,
  pageFails,
  bulkFails,
  typesafeReader,
  kfreeRcuReader,
  gracePeriods,
  cpuGoes,
  nodeGoes,
  twoTakers,
  lastFreeTaken,
  bulkFreeRemote,
  migrationBeside,
  slabTwoFlushes,
  slabReapMoves,
  slabReapAliens,
  slabTuneNodes,
  slabReserveGoes,
  leakScanFree,
  twoPageSlabs,
  interleavedMoved,
  slabBoundMoved,
];
