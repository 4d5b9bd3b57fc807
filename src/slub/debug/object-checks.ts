/**
 * The checks of a slab and its objects. Each reports what it finds and repairs it on the spot, so
 * that the same damage is reported once. The caller owns the slab (it is frozen here), or holds
 * list_lock and slab_lock.
 */

import { SLAB_POISON, SLAB_RED_ZONE } from "../../caches/flags.ts";
import type { WrongBytes } from "../../caches/slab-report.ts";
import type { FailureClass } from "../../machine/kernel-bug.ts";
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr, PG_SLAB } from "../../pages/page.ts";
import { inuseOf, objectsOf } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import { makeOrderObjects } from "../order.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import type { ObjectContent } from "./object-content.ts";
import {
  type ObjectLayout,
  POISON_END,
  POISON_FREE,
  POISON_INUSE,
  type RedZone,
  SLUB_RED_ACTIVE,
} from "./object-layout.ts";
import { hex } from "./report-text.ts";
import type { Reports } from "./reports.ts";

export class ObjectChecks {
  declare private readonly context: SlubContext;
  declare private readonly memory: Memory;
  declare private readonly freePointers: FreePointers;
  declare private readonly layout: ObjectLayout;
  declare private readonly content: ObjectContent;
  declare private readonly reports: Reports;

  constructor(
    context: SlubContext,
    freePointers: FreePointers,
    layout: ObjectLayout,
    content: ObjectContent,
    reports: Reports,
  ) {
    this.context = context;
    this.memory = context.memory;
    this.freePointers = freePointers;
    this.layout = layout;
    this.content = content;
    this.reports = reports;
  }

  /** check_slab: a slab page, with possible counts and its tail untouched. */
  checkSlab(s: KmemCachePtr, page: PagePtr): boolean {
    const { memory, reports } = this;
    if ((memory.readOnce(page + Page.flags) & PG_SLAB) === 0) {
      reports.slab(s, page, "bad-access", "Not a valid slab page");
      return false;
    }
    const counters = memory.readOnce(page + Page.counters);
    const objects = objectsOf(counters);
    const most = this.maxObjects(s, page);
    if (objects > most) {
      reports.slab(s, page, "counter-drift", `objects ${objects} > max ${most}`);
      return false;
    }
    if (inuseOf(counters) > objects) {
      reports.slab(s, page, "counter-drift", `inuse ${inuseOf(counters)} > max ${objects}`);
      return false;
    }
    this.checkSlabPadding(s, page);
    return true;
  }

  /** The objects that fit into a slab of that order (order_objects). */
  maxObjects(s: KmemCachePtr, page: PagePtr): number {
    const order = this.context.pages.compoundOrder(page);
    const reserved = this.memory.read32(s + KmemCache.reserved);
    return makeOrderObjects(order, this.layout.size(s), reserved).objects;
  }

  /** for_each_object */
  objectsOf(s: KmemCachePtr, page: PagePtr): Address[] {
    const objects = objectsOf(this.memory.readOnce(page + Page.counters));
    const first = this.context.pages.pageAddress(page) + this.layout.redLeftPad(s);
    const size = this.layout.size(s);
    return Array.from({ length: objects }, (_, i) => first + i * size);
  }

  /** slab_pad_check: the rest behind the last object that fits. */
  checkSlabPadding(s: KmemCachePtr, page: PagePtr): void {
    if (!this.layout.has(s, SLAB_POISON)) return;
    const { pages } = this.context;
    const bytes =
      (PAGE_SIZE << pages.compoundOrder(page)) - this.memory.read32(s + KmemCache.reserved);
    const rest = bytes % this.layout.size(s);
    const at = pages.pageAddress(page) + bytes - rest;
    const wrong = this.findWrong(at, POISON_INUSE, rest);
    if (wrong === undefined) return;
    this.reports.slab(
      s,
      page,
      "redzone",
      `Padding overwritten. ${hex(wrong.first)}-${hex(wrong.last)}`,
      wrong,
      { name: "Padding", at, length: rest },
    );
    this.restore(s, wrong);
  }

  /** check_valid_pointer: NULL, or the start of an object of the slab. */
  isValidPointer(s: KmemCachePtr, page: PagePtr, object: Address): boolean {
    if (object === 0) return true;
    const offset = object - this.layout.redLeftPad(s) - this.context.pages.pageAddress(page);
    const objects = objectsOf(this.memory.readOnce(page + Page.counters));
    const size = this.layout.size(s);
    return offset >= 0 && offset < objects * size && offset % size === 0;
  }

  /** check_object: red zones, poison, padding and free pointer are as that state wants them. */
  checkObject(s: KmemCachePtr, page: PagePtr, object: Address, zone: RedZone): boolean {
    return (
      this.checkZones(s, page, object, zone) &&
      this.checkPoison(s, page, object, zone) &&
      this.checkFreePointer(s, page, object, zone)
    );
  }

  private checkZones(s: KmemCachePtr, page: PagePtr, object: Address, zone: RedZone): boolean {
    const { layout } = this;
    const objectSize = layout.objectSize(s);
    const behind = layout.inuse(s) - objectSize;
    const check = (what: string, at: Address, byte: number, length: number): boolean =>
      this.checkBytes(s, page, object, "redzone", what, at, byte, length);
    if (layout.has(s, SLAB_RED_ZONE)) {
      const left = layout.redLeftPad(s);
      if (!check("Left Redzone", object - left, zone, left)) return false;
      if (!check("Redzone", object + objectSize, zone, behind)) return false;
      const asked = this.content.origSize(s, object);
      if (zone === SLUB_RED_ACTIVE && asked < objectSize) {
        return check("kmalloc Redzone", object + asked, zone, objectSize - asked);
      }
    } else if (layout.has(s, SLAB_POISON)) {
      check("Alignment padding", object + objectSize, POISON_INUSE, behind);
    }
    return true;
  }

  private checkPoison(s: KmemCachePtr, page: PagePtr, object: Address, zone: RedZone): boolean {
    const { layout } = this;
    if (!layout.has(s, SLAB_POISON)) return true;
    const body = layout.objectSize(s) - 1;
    const check = (at: Address, byte: number, length: number): boolean =>
      this.checkBytes(s, page, object, "poison", "Poison", at, byte, length);
    if (zone !== SLUB_RED_ACTIVE && layout.poisonsObjects(s)) {
      if (!check(object, POISON_FREE, body) || !check(object + body, POISON_END, 1)) return false;
    }
    const padding = layout.paddingStart(s);
    const length = layout.paddingEnd(s) - padding;
    // Reported, and no reason to keep the object back.
    this.checkBytes(
      s,
      page,
      object,
      "redzone",
      "Object padding",
      object + padding,
      POISON_INUSE,
      length,
    );
    return true;
  }

  /** The free pointer of an object in use means something only if it has a place of its own. */
  private checkFreePointer(
    s: KmemCachePtr,
    page: PagePtr,
    object: Address,
    zone: RedZone,
  ): boolean {
    if (zone === SLUB_RED_ACTIVE && !this.layout.freePointerOutside(s)) return true;
    if (this.isValidPointer(s, page, this.freePointers.getSafe(s, object))) return true;
    this.reports.object(s, page, object, "list-corruption", "Freepointer corrupt");
    this.freePointers.set(s, object, 0);
    return false;
  }

  /** check_bytes_and_report */
  private checkBytes(
    s: KmemCachePtr,
    page: PagePtr,
    object: Address,
    failure: FailureClass,
    what: string,
    at: Address,
    expected: number,
    length: number,
  ): boolean {
    const wrong = this.findWrong(at, expected, length);
    if (wrong === undefined) return true;
    this.reports.object(s, page, object, failure, `${what} overwritten`, wrong);
    this.restore(s, wrong);
    return false;
  }

  private findWrong(at: Address, expected: number, length: number): WrongBytes | undefined {
    const { memory } = this;
    const first = memory.findOther(at, expected, length);
    if (first === 0) return undefined;
    let last = at + length - 1;
    while (last > first && memory.read8(last) === expected) last--;
    return { first, last, found: memory.read8(first), expected };
  }

  /** restore_bytes */
  private restore(s: KmemCachePtr, { first, last, expected }: WrongBytes): void {
    this.reports.fix(s, `Restoring ${hex(first)}-${hex(last)}=${hex(expected)}`);
    this.memory.fill(first, expected, last - first + 1);
  }
}
