// SPDX-License-Identifier: GPL-2.0-only
/** What watchers see of SLUB with sheaves. */

import type { Attributes } from "../../../caches/attribute.ts";
import type { AuditFindings } from "../../../caches/audit-findings.ts";
import type { CacheDrawing, Reading } from "../../../caches/drawing.ts";
import type { LiveObjects } from "../../../caches/live-objects.ts";
import type { Audit, ListLimits, Observer } from "../../../caches/observer.ts";
import type { SlabInfo } from "../../../caches/slab-info.ts";
import type { SlabReport, Track } from "../../../caches/slab-report.ts";
import type { TraceView } from "../../../caches/trace-view.ts";
import type { Address } from "../../../machine/memory.ts";
import { Page, type PagePtr } from "../../../pages/page.ts";
import { inuseOf, objectsOf } from "../../counters.ts";
import { liveObjects } from "../../debug/locations.ts";
import { TRACK_ALLOC } from "../../debug/tracks.ts";
import { validateSlabCache } from "../../debug/validate.ts";
import { flushAll } from "../../observer/flush-all.ts";
import { listLocks } from "../../observer/locks.ts";
import { slabInfo } from "../../observer/slab-info.ts";
import { objectsOfSlab } from "../../observer/slab-objects.ts";
import { KmemCache, type KmemCachePtr, ooObjects, ooOrder } from "../../structs.ts";
import type { SheafSlub } from "../slub.ts";
import { SHEAF_STAT_NAMES } from "../statistics.ts";
import { Sheaf } from "../structs.ts";
import { sheafAttributes } from "./attributes.ts";
import { auditAbsentSheaves, auditSheafCache } from "./audit.ts";
import { checkSheaves } from "./cpu-check.ts";
import { SheafDrawing } from "./drawing.ts";
import { barnLocks } from "./locks.ts";
import { staleWords } from "./stale-words.ts";
import { SheafTraceView } from "./trace-view.ts";

export class SheafObserver implements Observer {
  readonly statNames = SHEAF_STAT_NAMES;
  readonly ownObjectsMove = true;
  readonly attributes: Attributes;
  readonly steps: ReadonlyMap<string, (s: KmemCachePtr) => void>;
  private readonly slub: SheafSlub;

  constructor(slub: SheafSlub) {
    this.slub = slub;
    this.attributes = sheafAttributes(slub);
    this.steps = new Map([["flush", (s: KmemCachePtr) => flushAll(slub, s)]]);
  }

  statWords(s: KmemCachePtr, cpu: number): Address {
    const { memory } = this.slub.context;
    return memory.perCpuPtr(memory.readOnce(s + KmemCache.cpuStats), cpu);
  }

  /** Objects in sheaves count as handed out. */
  slabUsage(_s: KmemCachePtr, page: PagePtr): { objects: number; active: number } {
    const counters = this.slub.context.memory.readOnce(page + Page.counters);
    return { objects: objectsOf(counters), active: inuseOf(counters) };
  }

  objectsOfSlab(s: KmemCachePtr, page: PagePtr): Address[] {
    return objectsOfSlab(this.slub.context, s, page);
  }

  slabOrders(s: KmemCachePtr): number[] {
    const { memory } = this.slub.context;
    return [KmemCache.oo, KmemCache.min].map((field) => ooOrder(memory.read32(s + field)));
  }

  /** Those of a sheaf that is filled or emptied, and what is left of a slab. */
  objectsMoved(s: KmemCachePtr): number {
    const { memory } = this.slub.context;
    return this.slub.sheaves.capacityOf(s) + ooObjects(memory.read32(s + KmemCache.oo));
  }

  locksOf(s: KmemCachePtr): { name: string; at: Address }[] {
    return [...listLocks(this.slub.context, s), ...barnLocks(this.slub, s)];
  }

  staleWords(s: KmemCachePtr): Address[] {
    return staleWords(this.slub, s);
  }

  onReport(sink: (report: SlabReport) => void): void {
    this.slub.reports.sink = sink;
  }

  liveObjects(s: KmemCachePtr): LiveObjects[] {
    return liveObjects(this.slub, s);
  }

  allocationTrack(s: KmemCachePtr, object: Address): Track | undefined {
    return this.slub.debugging.tracks.get(s, object, TRACK_ALLOC);
  }

  validate(s: KmemCachePtr): number {
    return validateSlabCache(this.slub, s);
  }

  slabInfo(s: KmemCachePtr): SlabInfo {
    return slabInfo(this.slub.context, this.slub.nodePartial, s);
  }

  traceView(): TraceView {
    return new SheafTraceView(this.slub, this.attributes);
  }

  drawing(reading: Reading): CacheDrawing {
    return new SheafDrawing(this.slub.context, reading);
  }

  checkCpu(s: KmemCachePtr, cpu: number, reading: Reading): void {
    checkSheaves(this.slub.context, s, cpu, reading);
  }

  setLimits(s: KmemCachePtr, { minPartial, sheafCapacity }: ListLimits): void {
    const { memory, machine } = this.slub.context;
    if (minPartial !== undefined) memory.write32(s + KmemCache.minPartial, minPartial);
    if (sheafCapacity === undefined) return;
    memory.write32(s + KmemCache.sheafCapacity, sheafCapacity);
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
      const main = this.slub.sheafLock.main(this.slub.sheafLock.ofCpu(s, cpu));
      memory.write32(main + Sheaf.capacity, sheafCapacity);
    }
  }

  auditCache(s: KmemCachePtr, slabs: readonly PagePtr[], audit: Audit): void {
    auditSheafCache(this.slub, s, slabs, audit);
  }

  auditAbsentCpu(s: KmemCachePtr, cpu: number, findings: AuditFindings): void {
    auditAbsentSheaves(this.slub, s, cpu, findings);
  }
}
