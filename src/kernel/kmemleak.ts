// SPDX-License-Identifier: GPL-2.0-only
/**
 * kmemleak (mm/kmemleak.c): objects that nothing points to any more. A scan marks, from the roots on,
 * every object into which some word points, and scans it in turn. What stays white is suspected.
 *
 *     black   is neither scanned nor reported          ignore
 *     gray    is scanned, and never reported           notLeak, and all that lived when we began
 *     white   is gray as soon as a word points into it; else it is reported
 *
 * Words that only look like addresses hide leaks; they never invent one. An object whose only pointer
 * is moved during a scan would be reported wrongly, so an object must have stayed the same, and white,
 * through two scans: the first scan reports nothing. The roots are the machine's own words and those
 * that the program names: a pointer in a JavaScript variable is no word of the memory. The machine is
 * quiet, or what the scan reports is a suspicion only.
 */
import { KfenceMeta } from "../caches/kfence/pool.ts";
import { KmemCacheBase } from "../caches/kmem-cache.ts";
import {
  OBJECT_BLACK,
  OBJECT_GRAY,
  OBJECT_NO_SCAN,
  OBJECT_REPORTED,
  type TrackedObjects,
} from "../caches/kmemleak/tracked-objects.ts";
import type { Track } from "../caches/slab-report.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import { sizeOf } from "../machine/struct.ts";
import { Page, PG_SLAB } from "../pages/page.ts";
import { allocatedBlocks } from "./allocated-blocks.ts";
import type { System } from "./system.ts";

export interface UnreferencedObject {
  readonly object: Address;
  readonly bytes: number;
  readonly cache: string;
  /** Number of the task that allocated it. */
  readonly task: number;
  /** Where it was allocated; undefined: its cache keeps no tracks. */
  readonly track: Track | undefined;
}

interface Range {
  readonly at: Address;
  readonly bytes: number;
}

interface KmemleakParts {
  readonly system: System;
  readonly tracked: TrackedObjects;
  /** Makes one call, as a CPU. */
  readonly call: <T>(name: string, act: () => T) => T;
}

export class Kmemleak {
  declare private readonly parts: KmemleakParts;
  declare private readonly roots: Range[];
  /** The white objects of this thread's last scan, with what was in them. */
  declare private checksums: Map<Address, number>;

  constructor(parts: KmemleakParts) {
    this.parts = parts;
    this.roots = [];
    this.checksums = new Map();
  }

  /** A place outside of all objects where pointers may lie, for the scans of this thread. */
  root(at: Address, bytes: number): void {
    this.roots.push({ at, bytes });
  }

  /** kmemleak_not_leak: the object is scanned, and never reported. */
  notLeak(object: Address): void {
    this.mark("kmemleak_not_leak", object, OBJECT_GRAY);
  }

  /** kmemleak_ignore: neither scanned nor reported. */
  ignore(object: Address): void {
    this.mark("kmemleak_ignore", object, OBJECT_BLACK);
  }

  /** kmemleak_no_scan: there are no pointers in the object. */
  noScan(object: Address): void {
    this.mark("kmemleak_no_scan", object, OBJECT_NO_SCAN);
  }

  /** All objects in use now are the machine's own, or left alone: as `notLeak` of each. */
  clear(): void {
    for (const object of this.live()) this.parts.tracked.mark(object, OBJECT_GRAY);
  }

  /** @throws KernelBug where no object in use begins */
  private mark(call: string, object: Address, flag: number): void {
    const { system, tracked } = this.parts;
    if (!system.pages.virtAddrValid(object) || !tracked.has(object)) {
      throw new KernelBug("bad-access", `${call}: no object in use begins at ${object}`);
    }
    tracked.mark(object, flag);
  }

  /** Scans the memory: the objects that are suspected for the first time. */
  scan(): UnreferencedObject[] {
    return this.parts.call("kmemleak", () => this.scanned());
  }

  private scanned(): UnreferencedObject[] {
    const { system, tracked } = this.parts;
    const live = this.live();
    const marking = new Marking(system, live, this.unused());
    const { layout, statics } = system.machine;
    for (const { at, bytes } of statics.list()) marking.scan(at, bytes);
    marking.scan(layout.percpuStart, layout.percpuEnd - layout.percpuStart);
    for (const page of allocatedBlocks(system)) this.scanBlock(marking, page);
    for (const { at, bytes } of this.roots) marking.scan(at, bytes);
    for (const object of live) {
      if (tracked.is(object, OBJECT_BLACK)) marking.take(object);
      if (tracked.is(object, OBJECT_NO_SCAN)) marking.skip(object);
    }
    for (const object of live) if (tracked.is(object, OBJECT_GRAY)) marking.reach(object);
    marking.finish();
    return this.suspects(marking);
  }

  /** kmemleak's checksum pass, and what is reported after it. */
  private suspects(marking: Marking): UnreferencedObject[] {
    const { tracked } = this.parts;
    const checksums = new Map(marking.white.map((object) => [object, this.checksumOf(object)]));
    for (const [object, checksum] of checksums) {
      if (this.checksums.get(object) !== checksum) marking.reach(object);
    }
    this.checksums = checksums;
    marking.finish();
    const fresh = marking.white.filter((object) => !tracked.is(object, OBJECT_REPORTED));
    for (const object of fresh) tracked.mark(object, OBJECT_REPORTED);
    return fresh.map((object) => this.describe(object));
  }

  private live(): Address[] {
    const { system, tracked } = this.parts;
    return [...tracked.within(system.pages.firstAddress, system.machine.layout.end)];
  }

  /** The descriptor of a block in use; and the block, unless it is a slab, whose objects are known. */
  private scanBlock(marking: Marking, page: Address): void {
    const { memory, pages, common } = this.parts.system;
    marking.scan(page, sizeOf(Page));
    const isSlab = (memory.read32(page + Page.flags) & PG_SLAB) !== 0;
    const isPool = common.kfence?.pool.has(pages.pageAddress(page)) === true;
    if (!isSlab && !isPool) marking.scan(pages.pageAddress(page), pages.blockBytes(page));
  }

  /** Words that the allocator has used and not cleared. */
  private unused(): ReadonlySet<Address> {
    const { common, observer } = this.parts.system;
    const stale = common.caches().flatMap((s) => observer.staleWords?.(s) ?? []);
    // KFENCE knows where its objects lie, in use or not.
    const known = common.kfence?.pool.metasInOrder().map((meta) => meta + KfenceMeta.address);
    return new Set([...stale, ...(known ?? [])]);
  }

  private checksumOf(object: Address): number {
    const { system } = this.parts;
    const { bytes } = sizeAndCache(system, object);
    let hash = bytes;
    for (let at = object; at < object + bytes; at += 4) {
      hash = Math.imul(hash ^ system.memory.readRacy(at), 0x01000193);
    }
    return hash;
  }

  private describe(object: Address): UnreferencedObject {
    const { common, observer } = this.parts.system;
    const { s, bytes } = sizeAndCache(this.parts.system, object);
    return {
      object,
      bytes,
      cache: common.nameOf(s),
      task: this.parts.tracked.taskOf(object),
      track: observer.allocationTrack?.(s, object),
    };
  }
}

function sizeAndCache({ memory, pages }: System, object: Address): { s: Address; bytes: number } {
  const s = memory.readRacy(pages.virtToHeadPage(object) + Page.slabCache);
  return { s, bytes: s === 0 ? 0 : memory.readRacy(s + KmemCacheBase.objectSize) };
}

/** One scan: the objects that are still white, and those whose words are yet to be read. */
class Marking {
  private readonly system: System;
  /** In ascending order. */
  private readonly objects: readonly Address[];
  private readonly unused: ReadonlySet<Address>;
  private readonly whites: Set<Address>;
  private readonly skipped = new Set<Address>();
  private readonly grays: Address[] = [];

  constructor(system: System, objects: readonly Address[], unused: ReadonlySet<Address>) {
    this.system = system;
    this.objects = objects;
    this.unused = unused;
    this.whites = new Set(objects);
  }

  get white(): Address[] {
    return [...this.whites];
  }

  /** Is neither scanned nor white. */
  take(object: Address): void {
    this.whites.delete(object);
  }

  skip(object: Address): void {
    this.skipped.add(object);
  }

  /** Something points to the object. */
  reach(object: Address): void {
    if (this.whites.delete(object)) this.grays.push(object);
  }

  /** scan_block */
  scan(from: Address, bytes: number): void {
    const { memory } = this.system;
    for (let at = from; at < from + bytes; at += 4) {
      const value = memory.readRacy(at);
      if (value <= 0 || this.unused.has(at)) continue;
      const object = this.around(value);
      if (object !== undefined) this.reach(object);
    }
  }

  /** scan_gray_list */
  finish(): void {
    for (let object = this.grays.pop(); object !== undefined; object = this.grays.pop()) {
      const { bytes } = sizeAndCache(this.system, object);
      if (!this.skipped.has(object)) this.scan(object, bytes);
    }
  }

  /** lookup_object: the object that an address lies in. */
  private around(address: Address): Address | undefined {
    const { objects } = this;
    let [low, high] = [0, objects.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((objects[middle] as Address) <= address) low = middle + 1;
      else high = middle;
    }
    const object = objects[low - 1];
    if (object === undefined) return undefined;
    return address < object + sizeAndCache(this.system, object).bytes ? object : undefined;
  }
}
