// SPDX-License-Identifier: GPL-2.0-only
/**
 * The slab layer: slabs, the lists of the nodes, and the life of caches, under whichever front hands
 * the objects out. A front (cpu-slab/) extends it by its fast paths and by what it keeps for each
 * CPU; what the layer asks of it in return is `Front` and `FastPaths`.
 *
 * Every part is made with the whole allocator as its one argument, and declares in an interface what
 * it needs of it. The parts of paths that must be fast copy that into fields of their own.
 */
import type { SheafArgs } from "../caches/allocator.ts";
import { EIO } from "../caches/errno.ts";
import { kmallocIndex, kmallocShiftHigh, kmallocShiftLow } from "../caches/kmalloc-sizes.ts";
import type { SlabCommon } from "../caches/slab-common.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import type { Bootstrap } from "./bootstrap.ts";
import type { CacheLifetime } from "./cache-lifetime.ts";
import { objectsOf } from "./counters.ts";
import { Reports } from "./debug/reports.ts";
import { cacheFromObj } from "./debug/wrong-cache.ts";
import type { FreePointers } from "./free-pointers.ts";
import type { FastPaths, Front } from "./front.ts";
import type { Hotplug } from "./hotplug.ts";
import type { NodePartial } from "./node-partial.ts";
import type { ObjectDebugging } from "./object-debugging.ts";
import type { PageSwap } from "./page-swap.ts";
import type { LayerParts } from "./parts.ts";
import type { SlabPages } from "./slab-pages.ts";
import { type LayerEvents, SlubContext } from "./slub-context.ts";
import { KmemCache, type KmemCachePtr } from "./structs.ts";
import { heapObjectError } from "./usercopy.ts";

export abstract class SlabLayer implements FastPaths {
  readonly name = "slub";
  readonly kmallocShiftLow = kmallocShiftLow("slub");
  readonly kmallocShiftHigh = kmallocShiftHigh("slub", "4.1");

  declare readonly context: SlubContext;
  declare protected readonly memory: Memory;
  /** Where damage is reported. */
  declare readonly reports: Reports;
  declare readonly freePointers: FreePointers;
  declare readonly pageSwap: PageSwap;
  declare readonly nodePartial: NodePartial;
  declare readonly debugging: ObjectDebugging;
  declare readonly slabPages: SlabPages;
  declare readonly lifetime: CacheLifetime;
  declare readonly bootstrap: Bootstrap;
  declare readonly hotplug: Hotplug;

  constructor(common: SlabCommon, parts: LayerParts, events: LayerEvents) {
    this.context = new SlubContext(common, events);
    this.memory = this.context.memory;
    this.reports = new Reports(this);
    this.freePointers = new parts.FreePointers(this);
    this.pageSwap = new parts.PageSwap(this);
    this.nodePartial = new parts.NodePartial(this);
    this.debugging = new parts.ObjectDebugging(this);
    this.slabPages = new parts.SlabPages(this);
    this.lifetime = new parts.CacheLifetime(this);
    this.bootstrap = new parts.Bootstrap(this);
    this.hotplug = new parts.Hotplug(this);
  }

  abstract readonly front: Front;
  abstract slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address;
  abstract slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void;

  kmallocIndexOf(size: number): number {
    return kmallocIndex("slub", size);
  }

  kmemCacheInit(): void {
    this.bootstrap.kmemCacheInit();
  }

  /** SLUB has nothing left to do late. */
  kmemCacheInitLate(): void {}

  create(s: KmemCachePtr, flags: number, args?: SheafArgs): number {
    return this.lifetime.open(s, flags, args);
  }

  growInuse(s: KmemCachePtr, least: number): void {
    const inuse = this.memory.read32(s + KmemCache.inuse);
    this.memory.write32(s + KmemCache.inuse, Math.max(inuse, least));
  }

  shutdown(s: KmemCachePtr): boolean {
    return this.lifetime.close(s);
  }

  release(s: KmemCachePtr): void {
    this.lifetime.release(s);
  }

  shrink(s: KmemCachePtr): number {
    return this.lifetime.shrink(s);
  }

  deactivate(s: KmemCachePtr): void {
    this.lifetime.deactivate(s);
  }

  objToIndex(s: KmemCachePtr, page: PagePtr, object: Address): number {
    const start =
      this.context.pages.pageAddress(page) + this.memory.read32(s + KmemCache.redLeftPad);
    return (object - start) / this.memory.read32(s + KmemCache.size);
  }

  objsPerSlab(_s: KmemCachePtr, page: PagePtr): number {
    return objectsOf(this.memory.readOnce(page + Page.counters));
  }

  slabKsize(s: KmemCachePtr): number {
    return this.lifetime.ksize(s);
  }

  /** There are no queues to tune. */
  tune(): number {
    return -EIO;
  }

  /** SLUB has no periodic work. */
  tick(): void {}

  noteRequested(s: KmemCachePtr, object: Address, size: number): void {
    this.debugging.content.setRequested(s, object, size);
  }

  requestedSize(s: KmemCachePtr, object: Address): number {
    const noted = this.debugging.layout.keepsOrigSize(s);
    return noted ? this.debugging.content.origSize(s, object) : this.slabKsize(s);
  }

  cacheFromObj(
    s: KmemCachePtr,
    owner: KmemCachePtr,
    page: PagePtr,
    object: Address,
  ): KmemCachePtr | undefined {
    return cacheFromObj(this, s, owner, page, object);
  }

  heapObjectError(
    s: KmemCachePtr,
    page: PagePtr,
    address: Address,
    length: number,
  ): string | undefined {
    return heapObjectError(this, s, page, address, length);
  }
}
