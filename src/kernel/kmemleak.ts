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
 * that the program names: a pointer in a JavaScript variable is no word of the memory. Others may
 * allocate and free meanwhile: an object is held while it is read, and what is new is not reported.
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
import { PAGE_SIZE } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { isInt32, named } from "../machine/option-check.ts";
import { sizeOf } from "../machine/struct.ts";
import { Page, PG_SLAB } from "../pages/page.ts";
import { allocatedBlocks } from "./allocated-blocks.ts";
import { refuse } from "./arguments.ts";
import type { System } from "./system.ts";

export interface UnreferencedObject {
  readonly object: Address;
  readonly bytes: number;
  /** Its cache; empty where a large kmalloc has given whole pages. */
  readonly cache: string;
  /** Number of the task that allocated it. */
  readonly task: number;
  /** Where it was allocated; undefined: its cache keeps no tracks. */
  readonly track: Track | undefined;
}

/** The age of an object is mixed into its checksum above the bits of a size. */
const AGE_IN_HASH = 13;

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
  declare protected readonly parts: KmemleakParts;
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
    const { byteLength } = this.parts.system.memory;
    const areThere = isInt32(at) && isInt32(bytes) && at >= 0 && bytes >= 0;
    if (!areThere || at + bytes > byteLength) {
      refuse("root", `${named(bytes)} bytes at ${named(at)} are not in the memory`);
    }
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
    for (const object of this.entered()) {
      this.held(object, () => this.parts.tracked.mark(object, OBJECT_GRAY));
    }
  }

  /** @throws KernelBug where no object in use begins */
  private mark(call: string, object: Address, flag: number): void {
    const { system, tracked } = this.parts;
    const isValid = isInt32(object) && system.pages.virtAddrValid(object);
    const isMarked =
      isValid &&
      this.held(object, () => {
        tracked.mark(object, flag);
        return true;
      });
    if (isMarked !== true) {
      refuse(call, `no object in use begins at ${named(object)}`);
    }
  }

  /** Does something while an object stays in use; undefined: it is not. */
  protected held<T>(object: Address, act: () => T): T | undefined {
    return this.parts.tracked.whileHeld(object, act);
  }

  /** Scans the memory: the objects that are suspected for the first time. */
  scan(): UnreferencedObject[] {
    return this.parts.call("kmemleak", () => this.scanned());
  }

  private scanned(): UnreferencedObject[] {
    const { system, tracked } = this.parts;
    tracked.scanChanges();
    const sizes = new Map<Address, number>();
    for (const object of this.entered()) {
      const bytes = this.held(object, () => sizeAndCache(system, object).bytes);
      if (bytes !== undefined) sizes.set(object, bytes);
    }
    const marking = new Marking(system.memory, sizes, this.unused());
    this.scanRoots(marking);
    for (const { at, bytes } of this.roots) marking.scan(at, bytes);
    for (const object of sizes.keys()) {
      if (tracked.is(object, OBJECT_BLACK)) marking.take(object);
      else if (tracked.is(object, OBJECT_GRAY)) marking.reach(object);
    }
    this.scanGray(marking);
    const suspects = this.suspects(marking);
    tracked.scanChanges();
    return suspects;
  }

  /** What the machine itself may point from. */
  protected scanRoots(marking: Marking): void {
    const { machine } = this.parts.system;
    const { layout, statics } = machine;
    for (const { at, bytes } of statics.list()) marking.scan(at, bytes);
    marking.scan(layout.percpuStart, layout.percpuEnd - layout.percpuStart);
    for (const page of allocatedBlocks(this.parts.system)) this.scanBlock(marking, page);
  }

  /** scan_gray_list, scan_object: a page at a time, so that a free need not wait for long. */
  private scanGray(marking: Marking): void {
    const { system, tracked } = this.parts;
    for (let object = marking.next(); object !== undefined; object = marking.next()) {
      const at = object;
      for (let from = 0, size = 1; from < size; from += PAGE_SIZE) {
        const read = this.held(at, () => {
          if (tracked.is(at, OBJECT_NO_SCAN)) return 0;
          const { bytes } = sizeAndCache(system, at);
          marking.scan(at + from, Math.min(bytes - from, PAGE_SIZE));
          return bytes;
        });
        size = read ?? 0;
      }
    }
  }

  /** kmemleak's checksum pass, and what is reported after it. */
  private suspects(marking: Marking): UnreferencedObject[] {
    const checksums = new Map<Address, number>();
    for (const object of marking.white) {
      const checksum = this.held(object, () => this.checksumOf(object));
      if (checksum !== undefined) checksums.set(object, checksum);
      if (this.checksums.get(object) !== checksum) marking.reach(object);
    }
    this.checksums = checksums;
    this.scanGray(marking);
    const found = marking.white.map((object) => this.held(object, () => this.report(object)));
    return found.filter((suspect) => suspect !== undefined);
  }

  /** What is held, white and no news. */
  private report(object: Address): UnreferencedObject | undefined {
    const { tracked } = this.parts;
    if (tracked.is(object, OBJECT_REPORTED) || tracked.isNew(object)) return undefined;
    tracked.mark(object, OBJECT_REPORTED);
    return this.describe(object);
  }

  private entered(): Iterable<Address> {
    const { system, tracked } = this.parts;
    return tracked.within(system.pages.firstAddress, system.machine.layout.end);
  }

  /** The descriptor of a block in use; and the block, unless its objects are known or it is one. */
  private scanBlock(marking: Marking, page: Address): void {
    const { memory, pages, common } = this.parts.system;
    marking.scan(page, sizeOf(Page));
    const at = pages.pageAddress(page);
    const isSlab = (memory.readRacy(page + Page.flags) & PG_SLAB) !== 0;
    const isKnown = isSlab || common.kfence?.pool.has(at) === true || this.parts.tracked.has(at);
    if (!isKnown) marking.scan(at, pages.blockBytes(page));
  }

  /** Words that the allocator has used and not cleared. */
  protected unused(): ReadonlySet<Address> {
    const { common, observer } = this.parts.system;
    const stale = common.caches().flatMap((s) => observer.staleWords?.(s) ?? []);
    // KFENCE knows where its objects lie, in use or not.
    const known = common.kfence?.pool.metasInOrder().map((meta) => meta + KfenceMeta.address);
    return new Set([...stale, ...(known ?? [])]);
  }

  private checksumOf(object: Address): number {
    const { system, tracked } = this.parts;
    const { bytes } = sizeAndCache(system, object);
    let hash = bytes ^ (tracked.ageOf(object) << AGE_IN_HASH);
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
      cache: s === 0 ? "" : common.nameOf(s),
      task: this.parts.tracked.taskOf(object),
      track: s === 0 ? undefined : observer.allocationTrack?.(s, object),
    };
  }
}

/** The cache of an object in use, 0 where it is whole pages. */
function sizeAndCache({ memory, pages }: System, object: Address): { s: Address; bytes: number } {
  const page = pages.virtToHeadPage(object);
  // data_race: while the object is held PG_SLAB stays, whatever happens to the other bits.
  const isSlab = (memory.readRacy(page + Page.flags) & PG_SLAB) !== 0;
  const s = isSlab ? memory.readRacy(page + Page.slabCache) : 0;
  const bytes = isSlab ? memory.readRacy(s + KmemCacheBase.objectSize) : pages.blockBytes(page);
  return { s, bytes };
}

/** One scan: the objects that are still white, and those whose words are yet to be read. */
export class Marking {
  private readonly memory: Memory;
  /** Bytes of the objects, which are in ascending order. */
  private readonly sizes: ReadonlyMap<Address, number>;
  private readonly objects: readonly Address[];
  private readonly unused: ReadonlySet<Address>;
  private readonly whites: Set<Address>;
  private readonly grays: Address[] = [];

  constructor(memory: Memory, sizes: ReadonlyMap<Address, number>, unused: ReadonlySet<Address>) {
    this.memory = memory;
    this.sizes = sizes;
    this.objects = [...sizes.keys()];
    this.unused = unused;
    this.whites = new Set(this.objects);
  }

  get white(): Address[] {
    return [...this.whites];
  }

  /** Is neither scanned nor white. */
  take(object: Address): void {
    this.whites.delete(object);
  }

  /** Something points to the object. */
  reach(object: Address): void {
    if (this.whites.delete(object)) this.grays.push(object);
  }

  /** A gray object that is yet to be scanned. */
  next(): Address | undefined {
    return this.grays.pop();
  }

  /** scan_block */
  scan(from: Address, bytes: number): void {
    for (let at = from; at < from + bytes; at += 4) {
      const value = this.memory.readRacy(at);
      if (value <= 0 || this.unused.has(at)) continue;
      const object = this.around(value);
      if (object !== undefined) this.reach(object);
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
    return address < object + (this.sizes.get(object) as number) ? object : undefined;
  }
}
