// SPDX-License-Identifier: GPL-2.0-only
/** What watchers see of SLAB. It has no directory in sysfs, and no reports as data. */

import type { Attributes } from "../../caches/attribute.ts";
import type { AuditFindings } from "../../caches/audit-findings.ts";
import type { CacheDrawing, Reading } from "../../caches/drawing.ts";
import type { Audit, Observer } from "../../caches/observer.ts";
import type { SlabInfo } from "../../caches/slab-info.ts";
import type { TraceStyle, TraceView } from "../../caches/trace-view.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { Slab } from "../slab.ts";
import { SLAB_STAT_NAMES } from "../statistics.ts";
import { COUNTERS, KmemCache, type KmemCachePtr } from "../structs.ts";
import { auditAbsentCpu, auditSlabCache } from "./audit.ts";
import { SlabDrawing } from "./drawing.ts";
import { locksOf } from "./locks.ts";
import { slabInfo } from "./slab-info.ts";
import { staleWords } from "./stale-words.ts";
import { SlabTraceView } from "./trace-view.ts";

export class SlabObserver implements Observer {
  readonly statNames = SLAB_STAT_NAMES;
  readonly attributes: Attributes = new Map();
  readonly steps: ReadonlyMap<string, (s: KmemCachePtr) => void>;
  protected readonly slab: Slab;

  constructor(slab: Slab) {
    this.slab = slab;
    this.steps = new Map([
      ["flush", (s: KmemCachePtr) => slab.drain.drainAll(s)],
      ["reap", () => slab.reaper.reap()],
    ]);
  }

  statWords(s: KmemCachePtr, cpu: number): Address {
    const { memory } = this.slab.context;
    return memory.perCpuPtr(memory.readOnce(s + KmemCache.cpuSlab), cpu) + COUNTERS;
  }

  slabUsage(s: KmemCachePtr, page: PagePtr): { objects: number; active: number } {
    const { context, indexes } = this.slab;
    return {
      objects: context.memory.read32(s + KmemCache.num),
      active: indexes.active(page),
    };
  }

  objectsOfSlab(s: KmemCachePtr, page: PagePtr): Address[] {
    const { context, indexes } = this.slab;
    const offset = context.memory.read32(s + KmemCache.objOffset);
    return Array.from(
      { length: context.memory.read32(s + KmemCache.num) },
      (_, index) => indexes.objectAt(s, page, index) + offset,
    );
  }

  slabOrders(s: KmemCachePtr): number[] {
    return [this.slab.context.memory.read32(s + KmemCache.gfporder)];
  }

  locksOf(s: KmemCachePtr): { name: string; at: Address }[] {
    return locksOf(this.slab.context, s);
  }

  staleWords(s: KmemCachePtr): Address[] {
    return staleWords(this.slab, s);
  }

  slabInfo(s: KmemCachePtr): SlabInfo {
    return slabInfo(this.slab.context, this.slab.lists, s);
  }

  tuneLocked(s: KmemCachePtr, limit: number, batchcount: number, shared: number): number {
    return this.slab.tuning.tuneLocked(s, limit, batchcount, shared);
  }

  traceView(style: TraceStyle): TraceView {
    return new SlabTraceView(this.slab, style);
  }

  drawing(reading: Reading): CacheDrawing {
    return new SlabDrawing(this.slab.context, reading);
  }

  auditCache(s: KmemCachePtr, slabs: readonly PagePtr[], audit: Audit): void {
    auditSlabCache(this.slab, s, slabs, audit);
  }

  auditAbsentCpu(s: KmemCachePtr, cpu: number, findings: AuditFindings): void {
    auditAbsentCpu(this.slab, s, cpu, findings);
  }
}
