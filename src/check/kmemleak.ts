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
 * through two scans: the first scan reports nothing. The ledger knows the objects. The roots are the
 * machine's own words and those that the program names: a pointer in a JavaScript variable is no word
 * of the memory. The machine is quiet, or what the scan reports is a suspicion only.
 */
import { KfenceMeta } from "../caches/kfence/pool.ts";
import { KmemCacheBase } from "../caches/kmem-cache.ts";
import type { Track } from "../caches/slab-report.ts";
import type { System } from "../kernel/system.ts";
import type { Address } from "../machine/memory.ts";
import { sizeOf } from "../machine/struct.ts";
import { Page, PG_SLAB } from "../pages/page.ts";
import { allocatedBlocks } from "./blocks.ts";
import type { Ledger } from "./ledger.ts";

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

export class Kmemleak {
  private readonly system: System;
  private readonly ledger: Ledger;
  private readonly gray: Set<Address>;
  private readonly black = new Set<Address>();
  private readonly unscanned = new Set<Address>();
  private readonly roots: Range[] = [];
  /** The white objects of the last scan, with what was in them; and those that were reported. */
  private checksums = new Map<Address, number>();
  private readonly reported = new Set<Address>();

  constructor(system: System, ledger: Ledger) {
    this.system = system;
    this.ledger = ledger;
    this.gray = new Set(this.live());
  }

  /** A place of the program's where pointers may lie. */
  root(at: Address, bytes: number): void {
    this.roots.push({ at, bytes });
  }

  /** kmemleak_not_leak */
  notLeak(object: Address): void {
    this.gray.add(object);
  }

  /** kmemleak_ignore */
  ignore(object: Address): void {
    this.black.add(object);
  }

  /** kmemleak_no_scan: there are no pointers in the object. */
  noScan(object: Address): void {
    this.unscanned.add(object);
  }

  /** The objects that are suspected for the first time. */
  scan(): UnreferencedObject[] {
    const marking = new Marking(this.system, this.live(), this.unused());
    const { layout, statics } = this.system.machine;
    for (const { at, bytes } of statics.list()) marking.scan(at, bytes);
    marking.scan(layout.percpuStart, layout.percpuEnd - layout.percpuStart);
    for (const page of allocatedBlocks(this.system)) this.scanBlock(marking, page);
    for (const { at, bytes } of this.roots) marking.scan(at, bytes);
    for (const object of this.black) marking.take(object);
    for (const object of this.unscanned) marking.skip(object);
    for (const object of this.gray) marking.reach(object);
    marking.finish();
    return this.suspects(marking);
  }

  /** kmemleak's checksum pass, and what is reported after it. */
  private suspects(marking: Marking): UnreferencedObject[] {
    const checksums = new Map(marking.white.map((object) => [object, this.checksumOf(object)]));
    for (const [object, checksum] of checksums) {
      if (this.checksums.get(object) !== checksum) marking.reach(object);
    }
    this.checksums = checksums;
    marking.finish();
    const fresh = marking.white.filter((object) => !this.reported.has(object));
    for (const object of fresh) this.reported.add(object);
    return fresh.map((object) => this.describe(object));
  }

  private live(): Address[] {
    const { pages, machine } = this.system;
    const [first] = pages.zones;
    const start = pages.pageAddress(pages.array.numbered(first?.start ?? 0));
    return [...this.ledger.liveIn(start, machine.layout.end)];
  }

  /** The descriptor of a block in use; and the block, unless it is a slab, whose objects are known. */
  private scanBlock(marking: Marking, page: Address): void {
    const { memory, pages, common } = this.system;
    marking.scan(page, sizeOf(Page));
    const isSlab = (memory.read32(page + Page.flags) & PG_SLAB) !== 0;
    const isPool = common.kfence?.pool.has(pages.pageAddress(page)) === true;
    if (!isSlab && !isPool) marking.scan(pages.pageAddress(page), pages.blockBytes(page));
  }

  /** Words that the allocator has used and not cleared. */
  private unused(): ReadonlySet<Address> {
    const { common, observer } = this.system;
    const stale = common.caches().flatMap((s) => observer.staleWords?.(s) ?? []);
    // KFENCE knows where its objects lie, in use or not.
    const known = common.kfence?.pool.metasInOrder().map((meta) => meta + KfenceMeta.address);
    return new Set([...stale, ...(known ?? [])]);
  }

  private checksumOf(object: Address): number {
    const { memory } = this.system;
    const { bytes } = sizeAndCache(this.system, object);
    let hash = bytes;
    for (let at = object; at < object + bytes; at += 4) {
      hash = Math.imul(hash ^ memory.readRacy(at), 0x01000193);
    }
    return hash;
  }

  private describe(object: Address): UnreferencedObject {
    const { common, observer } = this.system;
    const { s, bytes } = sizeAndCache(this.system, object);
    return {
      object,
      bytes,
      cache: common.nameOf(s),
      task: this.ledger.holderOf(object),
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
