// SPDX-License-Identifier: GPL-2.0-only
/**
 * KASAN, the generic mode (mm/kasan): which bytes a program may access right now. The shadow follows
 * objects as they come and go; an access that it refuses is reported, and goes on.
 *
 * Since 4.8 a freed object waits in the quarantine, and a second free, or one of what is no object, is
 * reported and does nothing. Since then, too, an object has notes of who allocated and freed it.
 *
 * Objects in KFENCE's pool are KFENCE's alone: their shadow stays open.
 */
import type { AccessChecker } from "../../machine/access-checker.ts";
import {
  GRANULE,
  KASAN_PAGE_REDZONE,
  KASAN_SLAB_FREE,
  KASAN_SLAB_FREE_META,
  KASAN_SLAB_REDZONE,
  KasanShadow,
} from "../../machine/kasan-shadow.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { __GFP_WAIT } from "../../pages/gfp.ts";
import { Page, type PagePtr, PG_SLAB } from "../../pages/page.ts";
import { alignUp } from "../alignment.ts";
import { SLAB_TYPESAFE_BY_RCU } from "../flags.ts";
import { since } from "../kernel-version.ts";
import { KmemCacheBase, type KmemCachePtr } from "../kmem-cache.ts";
import type { SlabCommon } from "../slab-common.ts";
import { allocMetaOf, freeMetaOf, kasanInfoOf } from "./layout.ts";
import type { Quarantine, QuarantineParts } from "./quarantine.ts";
import { KasanReports } from "./reports.ts";

/** In the alloc meta the track comes first, in the free meta behind the quarantine's link. */
const ALLOC_TRACK = 0;
const FREE_TRACK = 8;

export class Kasan implements AccessChecker {
  declare private readonly common: SlabCommon;
  declare private readonly memory: Memory;
  declare private readonly shadow: KasanShadow;
  declare readonly quarantine: Quarantine;
  declare readonly reports: KasanReports;
  declare private readonly withholds: boolean;

  constructor(
    common: SlabCommon,
    { Quarantine }: QuarantineParts,
    giveBack: (s: KmemCachePtr, object: Address) => void,
  ) {
    this.common = common;
    this.memory = common.machine.memory;
    this.shadow = new KasanShadow(common.machine);
    this.quarantine = new Quarantine(common, (s, object) => {
      this.released(s, object);
      giveBack(s, object);
    });
    this.reports = new KasanReports(common, this.shadow);
    this.withholds = since(common.kernel, "4.8");
  }

  private field(s: KmemCachePtr, field: number): number {
    return this.memory.read32(s + field);
  }

  /** is_kfence_address */
  private isGuarded(object: Address): boolean {
    return this.common.kfence?.pool.has(object) === true;
  }

  private objectSize(s: KmemCachePtr): number {
    return this.field(s, KmemCacheBase.objectSize);
  }

  // ---- slabs ----

  /** kasan_poison_slab: nothing of a new slab is an object in use. */
  poisonSlab(start: Address, bytes: number): void {
    this.shadow.poison(start, bytes, KASAN_SLAB_REDZONE);
  }

  /** kasan_unpoison_object_data, for a constructor. */
  unpoisonObject(s: KmemCachePtr, object: Address): void {
    this.shadow.unpoison(object, this.objectSize(s));
  }

  /** kasan_poison_object_data */
  poisonObject(s: KmemCachePtr, object: Address): void {
    this.shadow.poison(object, alignUp(this.objectSize(s), GRANULE), KASAN_SLAB_REDZONE);
  }

  // ---- objects ----

  /** Before an allocation: one that may sleep makes room in the quarantine. */
  beforeAlloc(gfp: number): void {
    if (this.withholds && (gfp & __GFP_WAIT) !== 0) this.quarantine.reduce();
  }

  /** kasan_slab_alloc */
  allocated(s: KmemCachePtr, object: Address): void {
    if (this.isGuarded(object)) return;
    this.unpoisonObject(s, object);
    this.track(allocMetaOf(kasanInfoOf(this.memory, s), object), ALLOC_TRACK);
  }

  /** kasan_kmalloc, kasan_krealloc: of the object only `size` bytes were asked for. */
  asked(s: KmemCachePtr, object: Address, size: number): void {
    if (this.isGuarded(object)) return;
    const end = object + alignUp(this.objectSize(s), GRANULE);
    const redzone = alignUp(object + size, GRANULE);
    this.shadow.unpoison(object, size);
    if (redzone < end) this.shadow.poison(redzone, end - redzone, KASAN_SLAB_REDZONE);
  }

  /** kasan_kmalloc_large: so much of a block was asked for. */
  askedLarge(start: Address, size: number, bytes: number): void {
    const redzone = alignUp(start + size, GRANULE);
    this.shadow.unpoison(start, size);
    this.shadow.poison(redzone, start + bytes - redzone, KASAN_PAGE_REDZONE);
  }

  /**
   * kasan_slab_free. True: the object is not the allocator's yet, or is none. `mayWait`: into the
   * quarantine.
   */
  freed(s: KmemCachePtr, page: PagePtr, object: Address, mayWait = true): boolean {
    if (this.isGuarded(object)) return false;
    if (this.withholds && !this.mayBeFreed(s, page, object)) return true;
    // Readers may look at what is free.
    if ((this.field(s, KmemCacheBase.flags) & SLAB_TYPESAFE_BY_RCU) !== 0) return false;
    const bytes = alignUp(this.objectSize(s), GRANULE);
    this.shadow.poison(object, bytes, KASAN_SLAB_FREE);
    const meta = freeMetaOf(kasanInfoOf(this.memory, s), object);
    if (meta === 0 || !mayWait) return false;
    this.track(meta, FREE_TRACK);
    this.shadow.poison(object, GRANULE, KASAN_SLAB_FREE_META);
    this.quarantine.put(object);
    return true;
  }

  private mayBeFreed(s: KmemCachePtr, page: PagePtr, object: Address): boolean {
    const { allocator } = this.common;
    const index = (address: Address): number => Math.floor(allocator.objToIndex(s, page, address));
    // The first byte of an object: the byte before is another one's.
    const isObject = index(object) !== index(object - 1);
    if (isObject && this.shadow.of(object) < GRANULE) return true;
    this.reports.invalidFree(isObject ? "double-free" : "invalid-free", object);
    return false;
  }

  /** An object leaves the quarantine: its note of the free will soon be overwritten. */
  private released(s: KmemCachePtr, object: Address): void {
    if (!since(this.common.kernel, "6.6")) {
      this.shadow.poison(object, Math.min(GRANULE, this.objectSize(s)), KASAN_SLAB_FREE);
    }
  }

  /** No object waits any more. May sleep. */
  emptyQuarantine(): void {
    this.common.withCaches((s) => this.quarantine.removeCache(s));
  }

  private track(meta: Address, track: number): void {
    if (meta === 0) return;
    const { memory } = this;
    this.memory.write32(meta + track, memory.current());
    const stack = this.common.machine.witness.stack();
    this.memory.write32(meta + track + 4, this.common.stackDepot.saveStack(stack));
  }

  // ---- accesses ----

  check(address: Address, bytes: number, isWrite: boolean): void {
    if (!this.shadow.has(address)) return;
    const bad = this.shadow.firstBad(address, bytes);
    if (bad !== undefined) this.reports.badAccess({ address, bytes, isWrite, bad });
  }

  /** kasan_get_alloc_size: what was asked for of `bytes` bytes, by the shadow; all where it is free. */
  askedOf(object: Address, bytes: number): number {
    return this.shadow.has(object) ? this.shadow.accessible(object, bytes) || bytes : bytes;
  }

  /** The cache of an address of a slab; 0 for any other page. */
  cacheOf(address: Address): KmemCachePtr {
    const page = this.common.pages.virtToHeadPage(address);
    const isSlab = (this.memory.readOnce(page + Page.flags) & PG_SLAB) !== 0;
    return isSlab ? this.memory.read32(page + Page.slabCache) : 0;
  }
}
