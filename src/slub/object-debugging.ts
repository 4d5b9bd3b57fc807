// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a debug cache does with each object: it checks the object, notes the caller, and marks the
 * object. A cache without debug flags never comes here.
 *
 * Red zones and poison mark an object as free or in use. The context that marks it owns it: on
 * allocation the slab is frozen here; on a free list_lock is held until the object is on its list
 * again, so that a holder of that lock sees no object between the two states.
 */
import { dumpStack } from "../caches/dump-stack.ts";
import { __OBJECT_POISON, SLAB_RED_ZONE, SLAB_STORE_USER, SLAB_TRACE } from "../caches/flags.ts";
import { since } from "../caches/kernel-version.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { Page, type PagePtr, PG_SLAB } from "../pages/page.ts";
import { inuseOf, objectsOf, withInuse } from "./counters.ts";
import { FreelistCheck } from "./debug/freelist-check.ts";
import { ObjectChecks } from "./debug/object-checks.ts";
import { ObjectContent } from "./debug/object-content.ts";
import { type ObjectLayout, SLUB_RED_ACTIVE, SLUB_RED_INACTIVE } from "./debug/object-layout.ts";
import type { Reports } from "./debug/reports.ts";
import { section } from "./debug/sections.ts";
import { TRACK_ALLOC, TRACK_FREE, type Tracks } from "./debug/tracks.ts";
import type { FreePointers } from "./free-pointers.ts";
import type { NodePartial } from "./node-partial.ts";
import type { PageSwap } from "./page-swap.ts";
import type { SlubContext } from "./slub-context.ts";
import type { KmemCachePtr } from "./structs.ts";

export interface ObjectDebuggingParts {
  readonly context: SlubContext;
  readonly reports: Reports;
  readonly freePointers: FreePointers;
  readonly pageSwap: PageSwap;
  readonly nodePartial: NodePartial;
}

export class ObjectDebugging {
  declare readonly context: SlubContext;
  declare protected readonly memory: Memory;
  declare readonly freePointers: FreePointers;
  declare readonly nodePartial: NodePartial;
  declare protected readonly pageSwap: PageSwap;
  declare readonly reports: Reports;
  declare readonly layout: ObjectLayout;
  declare readonly tracks: Tracks;
  declare readonly content: ObjectContent;
  declare readonly checks: ObjectChecks;
  declare readonly freelist: FreelistCheck;
  /** Whether an object is freed although it was damaged. */
  protected readonly freesDamaged: boolean = true;

  constructor(parts: ObjectDebuggingParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.freePointers = parts.freePointers;
    this.nodePartial = parts.nodePartial;
    this.pageSwap = parts.pageSwap;
    this.reports = parts.reports;
    this.layout = parts.reports.layout;
    this.tracks = parts.reports.tracks;
    this.content = new ObjectContent(this);
    this.checks = new ObjectChecks(this);
    this.freelist = new FreelistCheck(this);
  }

  /** setup_object_debug: a new slab's object is marked as free. */
  setupObject(s: KmemCachePtr, object: Address): void {
    if (!this.layout.has(s, SLAB_STORE_USER | SLAB_RED_ZONE | __OBJECT_POISON)) return;
    this.content.init(s, object, SLUB_RED_INACTIVE);
    this.tracks.init(s, object);
  }

  /**
   * alloc_debug_processing: false if the object must not be handed out; then the slab is left with
   * no free objects at all, for its list cannot be trusted. The slab is frozen on this CPU.
   */
  allocDebugProcessing(s: KmemCachePtr, page: PagePtr, object: Address): boolean {
    if (!this.isFitToAllocate(s, page, object)) {
      this.giveUpFreeObjects(s, page, object);
      return false;
    }
    this.tracks.set(s, object, TRACK_ALLOC);
    this.trace(s, page, object, "alloc");
    this.content.init(s, object, SLUB_RED_ACTIVE);
    return true;
  }

  protected isFitToAllocate(s: KmemCachePtr, page: PagePtr, object: Address): boolean {
    if (!this.checks.checkSlab(s, page)) return false;
    if (!this.checks.isValidPointer(s, page, object)) {
      const message = "Freelist Pointer check fails";
      this.reports.notAnObject(s, page, object, { failure: "list-corruption", message });
      return false;
    }
    return this.checks.checkObject(s, page, object, SLUB_RED_INACTIVE);
  }

  /**
   * The objects given up are marked as in use, as far as the list leads to them, so that no later
   * check reports them.
   */
  private giveUpFreeObjects(s: KmemCachePtr, page: PagePtr, head: Address): void {
    const { memory, freelist } = this;
    if ((memory.readOnce(page + Page.flags) & PG_SLAB) === 0) return;
    this.pageSwap.lock(page);
    for (const object of freelist.chain(s, page, head)) freelist.markTaken(s, object);
    for (const object of freelist.freeObjects(s, page)) freelist.markTaken(s, object);
    const counters = memory.readOnce(page + Page.counters);
    memory.writeOnce(page + Page.counters, withInuse(counters, objectsOf(counters)));
    memory.writeOnce(page + Page.freelist, 0);
    this.pageSwap.unlock(page);
    this.reports.fix(s, "Marking all objects used");
  }

  /** free_debug_processing of one object: false if it must not be freed. list_lock is held. */
  freeDebugProcessing(s: KmemCachePtr, page: PagePtr, object: Address): boolean {
    this.pageSwap.lock(page);
    const fit = this.isFitToFree(s, page, object);
    if (fit) {
      this.tracks.set(s, object, TRACK_FREE);
      this.trace(s, page, object, "free");
      this.content.init(s, object, SLUB_RED_INACTIVE);
    }
    this.pageSwap.unlock(page);
    if (!fit) this.reports.fix(s, `Object at ${this.reports.text.pointer(object)} not freed`);
    return fit;
  }

  /**
   * Damage in the object itself is reported and repaired, and here does not keep the object from being
   * freed. (4.1 leaves such an object marked as in use, so that its next allocation reports it once
   * more.)
   */
  protected isFitToFree(s: KmemCachePtr, page: PagePtr, object: Address): boolean {
    const { checks, reports } = this;
    if (!checks.checkSlab(s, page)) return false;
    if (!checks.isValidPointer(s, page, object)) {
      const message = `Invalid object pointer ${reports.text.pointer(object)}`;
      reports.slab(s, page, { failure: "bad-access", message });
      return false;
    }
    if (this.freelist.isOn(s, page, object)) {
      const message = "Object already free";
      reports.object(s, page, object, { failure: "double-free", message });
      return false;
    }
    if (!checks.checkObject(s, page, object, SLUB_RED_ACTIVE) && !this.freesDamaged) return false;
    if (this.memory.read32(page + Page.slabCache) !== s) {
      const message = "page slab pointer corrupt.";
      reports.object(s, page, object, { failure: "wrong-slab", message });
      return false;
    }
    return true;
  }

  /** Before a slab's pages are given back: all its objects are free, and untouched since. */
  checkFreedSlab(s: KmemCachePtr, page: PagePtr): void {
    this.checks.checkSlabPadding(s, page);
    for (const object of this.checks.objectsOf(s, page)) {
      this.checks.checkObject(s, page, object, SLUB_RED_INACTIVE);
    }
  }

  /** list_slab_objects: the objects in use when a cache is destroyed. list_lock is held. */
  listRemaining(s: KmemCachePtr, page: PagePtr): void {
    const { common } = this.context;
    this.pageSwap.lock(page);
    const free = this.freelist.freeObjects(s, page);
    const left = this.checks.objectsOf(s, page).filter((object) => !free.has(object));
    const closing = since(common.kernel, "4.5") ? "__kmem_cache_shutdown()" : "kmem_cache_close()";
    const which = since(common.kernel, "6.15") ? "" : ` in ${common.nameOf(s)}`;
    this.reports.remaining(s, page, `Objects remaining${which} on ${closing}`, left);
    this.pageSwap.unlock(page);
  }

  /** trace(): who does what, with the bytes of a freed object, on a cache with SLAB_TRACE. */
  private trace(s: KmemCachePtr, page: PagePtr, object: Address, what: "alloc" | "free"): void {
    if (!this.layout.has(s, SLAB_TRACE)) return;
    const inuse = inuseOf(this.memory.readOnce(page + Page.counters));
    const freelist = this.memory.readOnce(page + Page.freelist);
    const { common, machine } = this.context;
    const { text } = this.reports;
    machine.console.printk(
      `TRACE ${common.nameOf(s)} ${what} ${text.pointer(object)} inuse=${inuse} fp=${text.pointer(freelist)}`,
    );
    if (what === "free") {
      const bytes = section(this.memory, "Object", object, this.layout.objectSize(s));
      for (const line of text.sections([bytes])) machine.console.printk(line);
    }
    dumpStack(common, machine.witness.stack());
  }
}
