// SPDX-License-Identifier: GPL-2.0-only
/**
 * The checks of a slab and its objects. A check reports damage and repairs it on the spot, so that
 * the same damage is reported once. The caller owns the slab (it is frozen here), or holds list_lock
 * and slab_lock.
 */

import { SLAB_POISON, SLAB_RED_ZONE } from "../../caches/flags.ts";
import { since } from "../../caches/kernel-version.ts";
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
import { section } from "./sections.ts";

export interface ObjectChecksParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly layout: ObjectLayout;
  readonly content: ObjectContent;
  readonly reports: Reports;
}

/** Bytes that must all be `expected`, and the failure that another byte is. */
interface Guard {
  readonly failure: FailureClass;
  readonly name: string;
  readonly at: Address;
  readonly length: number;
  readonly expected: number;
  /** Before 6.15: told, and no reason to keep the object back. */
  readonly isPadding?: true;
}

const PADDING = { failure: "redzone", expected: POISON_INUSE, isPadding: true } as const;

export class ObjectChecks {
  declare private readonly context: SlubContext;
  declare private readonly memory: Memory;
  declare private readonly freePointers: FreePointers;
  declare private readonly layout: ObjectLayout;
  declare private readonly content: ObjectContent;
  declare private readonly reports: Reports;
  declare private readonly words: {
    readonly behind: string;
    readonly end: string;
    readonly namesRepair: boolean;
    readonly looksOn: boolean;
  };

  constructor(parts: ObjectChecksParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.freePointers = parts.freePointers;
    this.layout = parts.layout;
    this.content = parts.content;
    this.reports = parts.reports;
    const { kernel } = parts.context.common;
    this.words = {
      behind: since(kernel, "5.13") ? "Right Redzone" : "Redzone",
      end: since(kernel, "5.14") ? "End Poison" : "Poison",
      namesRepair: since(kernel, "5.14"),
      looksOn: since(kernel, "6.15"),
    };
  }

  /** check_slab: a slab page, with possible counts and its tail untouched. */
  checkSlab(s: KmemCachePtr, page: PagePtr): boolean {
    const { memory, reports } = this;
    if ((memory.readOnce(page + Page.flags) & PG_SLAB) === 0) {
      reports.slab(s, page, { failure: "bad-access", message: "Not a valid slab page" });
      return false;
    }
    const counters = memory.readOnce(page + Page.counters);
    const objects = objectsOf(counters);
    const most = this.maxObjects(s, page);
    if (objects > most) {
      const message = `objects ${objects} > max ${most}`;
      reports.slab(s, page, { failure: "counter-drift", message });
      return false;
    }
    if (inuseOf(counters) > objects) {
      const message = `inuse ${inuseOf(counters)} > max ${objects}`;
      reports.slab(s, page, { failure: "counter-drift", message });
      return false;
    }
    this.checkSlabPadding(s, page);
    return true;
  }

  /** How many objects fit into a slab of this one's order (order_objects). */
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
    const { text } = this.reports;
    const offset = this.words.namesRepair
      ? ` @offset=${wrong.first - pages.pageAddress(page)}`
      : "";
    const message = `Padding overwritten. ${text.pointer(wrong.first)}-${text.pointer(wrong.last)}${offset}`;
    this.reports.slab(s, page, { failure: "redzone", message, wrong }, [
      section(this.memory, "Padding", at, rest),
    ]);
    this.restore(s, "slab padding", wrong);
  }

  /** check_valid_pointer: NULL, or the start of an object of the slab. */
  isValidPointer(s: KmemCachePtr, page: PagePtr, object: Address): boolean {
    if (object === 0) return true;
    const offset = object - this.layout.redLeftPad(s) - this.context.pages.pageAddress(page);
    const objects = objectsOf(this.memory.readOnce(page + Page.counters));
    const size = this.layout.size(s);
    return offset >= 0 && offset < objects * size && offset % size === 0;
  }

  /**
   * check_object: red zones, poison, padding and free pointer are as `zone` says they must be. Ends at
   * the first thing that is wrong, except padding; since 6.15 everything is looked at, and padding
   * counts, too.
   */
  checkObject(s: KmemCachePtr, page: PagePtr, object: Address, zone: RedZone): boolean {
    let intact = true;
    for (const guard of this.guards(s, object, zone)) {
      if (this.checkBytes(s, page, object, guard, intact)) continue;
      if (this.words.looksOn) intact = false;
      else if (!guard.isPadding) return false;
    }
    return this.checkFreePointer(s, page, object, zone) && intact;
  }

  private *guards(s: KmemCachePtr, object: Address, zone: RedZone): Generator<Guard> {
    yield* this.zones(s, object, zone);
    if (this.layout.has(s, SLAB_POISON)) yield* this.poison(s, object, zone);
  }

  private *zones(s: KmemCachePtr, object: Address, zone: RedZone): Generator<Guard> {
    const { layout } = this;
    const objectSize = layout.objectSize(s);
    const at = object + objectSize;
    const length = layout.inuse(s) - objectSize;
    if (layout.has(s, SLAB_RED_ZONE)) {
      const red = { failure: "redzone", expected: zone } as const;
      const left = layout.redLeftPad(s);
      yield { ...red, name: "Left Redzone", at: object - left, length: left };
      yield { ...red, name: this.words.behind, at, length };
      const asked = this.content.origSize(s, object);
      if (zone === SLUB_RED_ACTIVE && asked < objectSize) {
        yield { ...red, name: "kmalloc Redzone", at: object + asked, length: objectSize - asked };
      }
    } else if (layout.has(s, SLAB_POISON)) {
      yield { ...PADDING, name: "Alignment padding", at, length };
    }
  }

  private *poison(s: KmemCachePtr, object: Address, zone: RedZone): Generator<Guard> {
    const { layout } = this;
    if (zone !== SLUB_RED_ACTIVE && layout.poisonsObjects(s)) {
      const body = layout.objectSize(s) - 1;
      yield { failure: "poison", name: "Poison", at: object, length: body, expected: POISON_FREE };
      const end = { name: this.words.end, at: object + body, length: 1, expected: POISON_END };
      yield { failure: "poison", ...end };
    }
    const padding = layout.paddingStart(s);
    const length = layout.paddingEnd(s) - padding;
    yield { ...PADDING, name: "Object padding", at: object + padding, length };
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
    this.reports.object(s, page, object, {
      failure: "list-corruption",
      message: "Freepointer corrupt",
    });
    this.freePointers.set(s, object, 0);
    return false;
  }

  /** check_bytes_and_report. `isFirst`: the object was intact up to here. */
  private checkBytes(
    s: KmemCachePtr,
    page: PagePtr,
    object: Address,
    guard: Guard,
    isFirst: boolean,
  ): boolean {
    const wrong = this.findWrong(guard.at, guard.expected, guard.length);
    if (wrong === undefined) return true;
    const message = `${guard.name} overwritten`;
    this.reports.bytes(s, page, object, { failure: guard.failure, message, wrong }, isFirst);
    this.restore(s, guard.name, wrong);
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
  private restore(s: KmemCachePtr, name: string, { first, last, expected }: WrongBytes): void {
    const { text } = this.reports;
    const range = `${text.pointer(first)}-${text.pointer(last)}=${hex(expected)}`;
    // The text had a line end of its own before.
    const { namesRepair } = this.words;
    this.reports.fix(s, namesRepair ? `Restoring ${name} ${range}` : `Restoring ${range}\n`);
    this.memory.fill(first, expected, last - first + 1);
  }
}
