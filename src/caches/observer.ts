// SPDX-License-Identifier: GPL-2.0-only
/**
 * What watchers need of an allocator: audit, ledger, /proc/slabinfo, sysfs, scripts, statistics. The
 * table that brings the allocator brings its observer along, so that no watcher asks which one runs.
 * An observer only looks, except where a sysfs file is written.
 */
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import type { Allocator } from "./allocator.ts";
import type { Attributes } from "./attribute.ts";
import type { AuditFindings, ObjectHolders } from "./audit-findings.ts";
import type { CacheDrawing, Reading } from "./drawing.ts";
import type { Counted } from "./event-counts.ts";
import type { KmemCachePtr } from "./kmem-cache.ts";
import type { LiveObjects } from "./live-objects.ts";
import type { SlabInfo } from "./slab-info.ts";
import type { SlabReport, Track } from "./slab-report.ts";
import type { TraceStyle, TraceView } from "./trace-view.ts";

/** An allocator, and what watches it. */
export interface ObservedAllocator {
  readonly allocator: Allocator;
  readonly observer: Observer;
}

export interface Observer {
  /** The events the allocator counts, and where a CPU counts those of a cache: a word each, in that order. */
  readonly statNames: readonly string[];
  statWords(s: KmemCachePtr, cpu: number): Address;

  /** Whether shrinking once leaves slabs without objects, which shrinking again gives back. */
  readonly shrinksInTwo?: boolean;

  /** Objects of a slab, and how many of them are not on the slab's own list. */
  slabUsage(s: KmemCachePtr, page: PagePtr): { readonly objects: number; readonly active: number };
  /** Addresses of all objects of a slab, handed out or not. */
  objectsOfSlab(s: KmemCachePtr, page: PagePtr): Address[];
  /** The orders that a new slab of the cache may have. */
  slabOrders(s: KmemCachePtr): number[];
  /** How many objects one operation may move beside those that it was asked for; left out: none. */
  objectsMoved?(s: KmemCachePtr): number;
  /**
   * The allocator allocates for itself while it runs, so that after a while its objects keep other
   * slabs than at boot, and another number of them.
   */
  readonly ownObjectsMove?: boolean;
  /** The spinlocks of a cache. */
  locksOf(s: KmemCachePtr): readonly { readonly name: string; readonly at: Address }[];

  /** Objects in use, by who allocated them; where the allocator can tell. May sleep. */
  liveObjects?(s: KmemCachePtr): LiveObjects[];
  /** Where an object was allocated; undefined where its cache keeps no tracks. */
  allocationTrack?(s: KmemCachePtr, object: Address): Track | undefined;
  /** Words of the cache's queues that still name objects which have left them. */
  staleWords?(s: KmemCachePtr): Address[];
  /** Takes each report of damage that this thread finds, as data; where there are reports. */
  onReport?(sink: (report: SlabReport) => void): void;
  /** object_err: reports what somebody else has found about an object. */
  objectError?(s: KmemCachePtr, page: PagePtr, object: Address, message: string): void;
  /** validate_slab_cache: the number of slabs checked, or a negative error number. */
  validate?(s: KmemCachePtr): number;

  /** get_slabinfo */
  slabInfo(s: KmemCachePtr): SlabInfo;
  /** A line written to /proc/slabinfo, with slab_mutex held: 0, or a negative error number. */
  tuneLocked?(s: KmemCachePtr, limit: number, batchcount: number, shared: number): number;
  /** The files of /sys/kernel/slab/<cache>/; none where the allocator has no such directory. */
  readonly attributes: Attributes;
  /** The state of a cache in the words of the recorded runs. */
  traceView(style: TraceStyle): TraceView;

  /** The cache drawn for people. */
  drawing(reading: Reading): CacheDrawing;
  /** Throws a KernelBug where a CPU with nothing under way has what it must not have. */
  checkCpu?(s: KmemCachePtr, cpu: number, reading: Reading): void;
  /** Internal steps that no public call reaches alone, by name: what scenarios may run. */
  readonly steps: ReadonlyMap<string, (s: KmemCachePtr) => void>;
  /** Sets what the lists of a cache may hold, also to values that sysfs would refuse. */
  setLimits?(s: KmemCachePtr, limits: ListLimits): void;

  /** Audits a cache, of which `slabs` are all slabs there are. The machine is quiet. */
  auditCache(s: KmemCachePtr, slabs: readonly PagePtr[], audit: Audit): void;
  /** What a CPU that is gone still holds of the cache is a finding. */
  auditAbsentCpu(s: KmemCachePtr, cpu: number, findings: AuditFindings): void;
}

export interface ListLimits {
  readonly minPartial?: number | undefined;
  readonly cpuPartial?: number | undefined;
  /** No more than the sheaves were made for, and before the cache is used. */
  readonly sheafCapacity?: number | undefined;
}

export interface Audit {
  readonly findings: AuditFindings;
  /** All slabs there are, by their cache. */
  readonly slabs: ReadonlyMap<KmemCachePtr, readonly PagePtr[]>;
  /** With holders: nothing is lost, and nothing is held twice. */
  readonly holders: ObjectHolders | undefined;
  /** Interrupt handlers have allocated or freed: what is only an estimate under them may have drifted. */
  readonly interrupted: boolean;
  /** Queues keep their limits. */
  readonly limited: boolean;
  /** One operation ran after the other, so that each saw the counts and limits as they were. */
  readonly inTurn: boolean;
  /** The event counts tell of all that happened. */
  readonly counted: Counted | undefined;
}
