/** All scenarios by name. */
import type { SlabScenario } from "../../laboratory/scenario.ts";
import { allocFlushAll } from "./alloc-flush-all.ts";
import { boot } from "./boot.ts";
import { bulkInterrupt } from "./bulk-interrupt.ts";
import { cpuOfflineFree } from "./cpu-offline-free.ts";
import { cpuPartialOverflow } from "./cpu-partial-overflow.ts";
import { cpuSlabs, cpuSlabsTwice } from "./cpu-slabs-twice.ts";
import { destroyFree } from "./destroy-free.ts";
import { destroyTypesafe } from "./destroy-typesafe.ts";
import { drainEmptySlab } from "./drain-empty-slab.ts";
import { drainInterrupt } from "./drain-interrupt.ts";
import { emptyListedSlab } from "./empty-listed-slab.ts";
import { flushInterrupt } from "./flush-interrupt.ts";
import { freeAndTake } from "./free-and-take.ts";
import { freeGetPartial } from "./free-get-partial.ts";
import { interruptAlloc } from "./interrupt-alloc.ts";
import { interruptEmpty } from "./interrupt-empty.ts";
import { interruptFree } from "./interrupt-free.ts";
import { keepsNone } from "./keeps-none.ts";
import { migrationAlloc } from "./migration-alloc.ts";
import { migrationBulk } from "./migration-bulk.ts";
import { migrationFree } from "./migration-free.ts";
import { minPartialZero } from "./min-partial-zero.ts";
import { oneSlabTwoFrees } from "./one-slab-two-frees.ts";
import { partialElsewhere } from "./partial-elsewhere.ts";
import { remoteFreeDeactivate } from "./remote-free-deactivate.ts";
import { remoteFreeFlush } from "./remote-free-flush.ts";
import { remoteFreeRefill } from "./remote-free-refill.ts";
import { shrinkFree } from "./shrink-free.ts";
import { slabAlienFree } from "./slab-alien-free.ts";
import { slabAlienOffline } from "./slab-alien-offline.ts";
import { slabBulkInterrupt } from "./slab-bulk-interrupt.ts";
import { slabCpuOffline, slabNodeOffline } from "./slab-cpu-offline.ts";
import { slabDestroyVector } from "./slab-destroy-vector.ts";
import { slabInterruptAlloc } from "./slab-interrupt-alloc.ts";
import { slabLockInterrupt } from "./slab-lock-interrupt.ts";
import { slabMigrationGrow } from "./slab-migration-grow.ts";
import { slabNodesCross } from "./slab-nodes-cross.ts";
import { slabReap } from "./slab-reap.ts";
import { slabSharedDrain } from "./slab-shared-drain.ts";
import { slabSharedExchange } from "./slab-shared-exchange.ts";
import { slabSharedGlance } from "./slab-shared-glance.ts";
import { slabTwoCpus } from "./slab-two-cpus.ts";
import { sysfsRead } from "./sysfs-read.ts";
import { tidWrap } from "./tid-wrap.ts";
import { twoAllocations } from "./two-allocations.ts";
import { twoCpus } from "./two-cpus.ts";
import { twoFullSlabs } from "./two-full-slabs.ts";
import { twoNodes } from "./two-nodes.ts";
import { twoTasksBulk } from "./two-tasks-bulk.ts";
import { twoTasksDrop } from "./two-tasks-drop.ts";
import { typesafeLookup, typesafeLookupUnchecked } from "./typesafe-lookup.ts";
import { validateFree } from "./validate-free.ts";

export const scenarios: ReadonlyMap<string, SlabScenario> = new Map(
  [
    twoCpus,
    remoteFreeDeactivate,
    remoteFreeFlush,
    freeGetPartial,
    cpuPartialOverflow,
    interruptAlloc,
    interruptFree,
    interruptEmpty,
    migrationAlloc,
    migrationFree,
    migrationBulk,
    bulkInterrupt,
    shrinkFree,
    destroyFree,
    twoNodes,
    twoTasksDrop,
    twoTasksBulk,
    twoAllocations,
    flushInterrupt,
    twoFullSlabs,
    drainInterrupt,
    oneSlabTwoFrees,
    freeAndTake,
    slabLockInterrupt,
    tidWrap,
    remoteFreeRefill,
    allocFlushAll,
    drainEmptySlab,
    partialElsewhere,
    keepsNone,
    minPartialZero,
    emptyListedSlab,
    boot,
    destroyTypesafe,
    slabTwoCpus,
    slabDestroyVector,
    slabSharedExchange,
    slabSharedGlance,
    slabSharedDrain,
    slabNodesCross,
    slabInterruptAlloc,
    slabMigrationGrow,
    slabReap,
    slabAlienFree,
    slabBulkInterrupt,
    slabAlienOffline,
    slabCpuOffline,
    slabNodeOffline,
    validateFree,
    cpuOfflineFree,
    sysfsRead,
    cpuSlabs,
    cpuSlabsTwice,
    typesafeLookup,
    typesafeLookupUnchecked,
  ].map((scenario) => [scenario.name, scenario]),
);
