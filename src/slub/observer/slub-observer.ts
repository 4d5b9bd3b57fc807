// SPDX-License-Identifier: GPL-2.0-only
/** What watchers see of SLUB. */

import type { Attributes } from "../../caches/attribute.ts";
import type { AuditFindings } from "../../caches/audit-findings.ts";
import type { CacheDrawing, Reading } from "../../caches/drawing.ts";
import { since } from "../../caches/kernel-version.ts";
import type { LiveObjects } from "../../caches/live-objects.ts";
import type { Audit, ListLimits, Observer } from "../../caches/observer.ts";
import type { SlabInfo } from "../../caches/slab-info.ts";
import type { SlabReport, Track } from "../../caches/slab-report.ts";
import type { TraceView } from "../../caches/trace-view.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, objectsOf } from "../counters.ts";
import type { Slub } from "../cpu-slab/slub.ts";
import { liveObjects } from "../debug/locations.ts";
import { TRACK_ALLOC } from "../debug/tracks.ts";
import { validateSlabCache } from "../debug/validate.ts";
import { STAT_NAMES } from "../statistics.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr, ooOrder } from "../structs.ts";
import { slubAttributes } from "./attributes.ts";
import { auditAbsentCpu, auditSlubCache } from "./audit.ts";
import { checkCpu } from "./cpu-check.ts";
import { SlubDrawing } from "./drawing.ts";
import { flushAll } from "./flush-all.ts";
import { listLocks } from "./locks.ts";
import { slabInfo } from "./slab-info.ts";
import { objectsOfSlab } from "./slab-objects.ts";
import { SlubTraceView } from "./trace-view.ts";

export class SlubObserver implements Observer {
  readonly statNames: readonly string[];
  readonly attributes: Attributes;
  readonly steps: ReadonlyMap<string, (s: KmemCachePtr) => void>;
  protected readonly slub: Slub;

  constructor(slub: Slub, statNames: readonly string[] = STAT_NAMES, files = slubAttributes(slub)) {
    this.slub = slub;
    this.statNames = statNames;
    this.attributes = files;
    const steps = new Map([
      ["flush", (s: KmemCachePtr) => flushAll(slub, s)],
      ["flush-cpu", (s: KmemCachePtr) => this.flushThisCpu(s)],
    ]);
    // A group's dead cache keeps no slab; since Linux 5.9 groups have no caches.
    if (!since(slub.context.common.kernel, "5.9")) {
      steps.set("keep-none", (s: KmemCachePtr) => slub.lifetime.deactivate(s));
    }
    this.steps = steps;
  }

  /** As the inter-processor call of a flush has it. */
  private flushThisCpu(s: KmemCachePtr): void {
    const { front, context } = this.slub;
    const flags = context.memory.irqSave();
    front.flushThisCpu(s);
    context.memory.irqRestore(flags);
  }

  statWords(s: KmemCachePtr, cpu: number): Address {
    const { memory } = this.slub.context;
    const cpuSlab = memory.readOnce(s + KmemCache.cpuSlab);
    return memory.perCpuPtr(cpuSlab, cpu) + KmemCacheCpu.stat;
  }

  slabUsage(_s: KmemCachePtr, page: PagePtr): { objects: number; active: number } {
    const counters = this.slub.context.memory.readOnce(page + Page.counters);
    return { objects: objectsOf(counters), active: inuseOf(counters) };
  }

  objectsOfSlab(s: KmemCachePtr, page: PagePtr): Address[] {
    return objectsOfSlab(this.slub.context, s, page);
  }

  /** Of the order preferred, and of the smallest that holds an object. */
  slabOrders(s: KmemCachePtr): number[] {
    const { memory } = this.slub.context;
    return [KmemCache.oo, KmemCache.min].map((field) => ooOrder(memory.read32(s + field)));
  }

  locksOf(s: KmemCachePtr): { name: string; at: Address }[] {
    return listLocks(this.slub.context, s);
  }

  liveObjects(s: KmemCachePtr): LiveObjects[] {
    return liveObjects(this.slub, s);
  }

  onReport(sink: (report: SlabReport) => void): void {
    this.slub.reports.sink = sink;
  }

  objectError(s: KmemCachePtr, page: PagePtr, object: Address, message: string): void {
    this.slub.reports.object(s, page, object, { failure: "use-after-free", message });
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
    return new SlubTraceView(this.slub);
  }

  drawing(reading: Reading): CacheDrawing {
    return new SlubDrawing(this.slub.context, reading);
  }

  checkCpu(s: KmemCachePtr, cpu: number, reading: Reading): void {
    checkCpu(this.slub.context, s, cpu, reading);
  }

  setLimits(s: KmemCachePtr, { minPartial, cpuPartial }: ListLimits): void {
    const { lifetime, context } = this.slub;
    if (minPartial !== undefined) context.memory.write32(s + KmemCache.minPartial, minPartial);
    if (cpuPartial !== undefined) lifetime.setCpuPartial(s, cpuPartial);
  }

  auditCache(s: KmemCachePtr, slabs: readonly PagePtr[], audit: Audit): void {
    auditSlubCache(this.slub, s, slabs, audit);
  }

  auditAbsentCpu(s: KmemCachePtr, cpu: number, findings: AuditFindings): void {
    auditAbsentCpu(this.slub, s, cpu, findings);
  }
}
