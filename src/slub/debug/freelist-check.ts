// SPDX-License-Identifier: GPL-2.0-only
/**
 * The free objects of a slab, walked and counted (on_freelist). A list that leads out of the slab is
 * cut, and the counts are brought in line with the rest. A slab that has lost all its free objects
 * in this way is full, and changes its node list. The caller holds list_lock and slab_lock.
 */
import { since } from "../../caches/kernel-version.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, isFrozen, objectsOf, packCounters } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import type { NodePartial } from "../node-partial.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";
import type { ObjectChecks } from "./object-checks.ts";
import type { ObjectContent } from "./object-content.ts";
import { SLUB_RED_ACTIVE } from "./object-layout.ts";
import type { Reports } from "./reports.ts";

export interface FreelistCheckParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly nodePartial: NodePartial;
  readonly content: ObjectContent;
  readonly checks: ObjectChecks;
  readonly reports: Reports;
}

export class FreelistCheck {
  declare private readonly parts: FreelistCheckParts;
  declare private readonly memory: Memory;
  /** How a sentence about a count ends. */
  declare private readonly stop: "." | "";

  constructor(parts: FreelistCheckParts) {
    this.parts = parts;
    this.stop = since(parts.context.common.kernel, "5.15") ? "" : ".";
    this.memory = parts.context.memory;
  }

  /**
   * on_freelist: whether `search` is a free object of the slab; with `search` 0, whether the list
   * can be walked. Repairs list and counts unless the object was found first.
   */
  isOn(s: KmemCachePtr, page: PagePtr, search: Address): boolean {
    const { memory } = this;
    const { freePointers, checks, reports } = this.parts;
    const most = objectsOf(memory.readOnce(page + Page.counters));
    let free = 0;
    let last = 0;
    let object = memory.readOnce(page + Page.freelist);
    while (object !== 0 && free <= most) {
      if (object === search) return true;
      if (!checks.isValidPointer(s, page, object)) {
        if (last === 0) {
          this.clear(s, page);
          return false;
        }
        reports.object(s, page, last, { failure: "list-corruption", message: "Freechain corrupt" });
        freePointers.set(s, last, 0);
        break;
      }
      last = object;
      object = freePointers.getSafe(s, object);
      free++;
    }
    if (free > most) {
      // More free objects than objects: the list leads back into itself.
      const message = "Freelist cycle detected";
      reports.slab(s, page, { failure: "list-corruption", message });
      this.clearList(s, page);
      return false;
    }
    this.checkCounts(s, page, free);
    return search === 0;
  }

  private clear(s: KmemCachePtr, page: PagePtr): void {
    const message = "Freepointer corrupt";
    this.parts.reports.slab(s, page, { failure: "list-corruption", message });
    this.clearList(s, page);
  }

  private clearList(s: KmemCachePtr, page: PagePtr): void {
    const { memory } = this;
    const { context, nodePartial, content, checks, reports } = this.parts;
    const counters = memory.readOnce(page + Page.counters);
    memory.writeOnce(page + Page.freelist, 0);
    this.setCounts(page, objectsOf(counters), objectsOf(counters));
    // Of a frozen slab, objects may be on their way back from a private list.
    if (!isFrozen(counters)) {
      for (const object of checks.objectsOf(s, page)) {
        if (content.isMarkedFree(s, object)) this.markTaken(s, object);
      }
      const n = context.nodeOfPage(s, page);
      nodePartial.remove(n, page);
      nodePartial.addFull(s, n, page);
    }
    reports.fix(s, "Freelist cleared");
  }

  /** The object is in use without having been allocated: cut by hand at bootstrap, or given up. */
  markTaken(s: KmemCachePtr, object: Address): void {
    this.parts.content.init(s, object, SLUB_RED_ACTIVE);
    this.parts.reports.tracks.init(s, object);
  }

  private checkCounts(s: KmemCachePtr, page: PagePtr, free: number): void {
    const { memory } = this;
    const { checks, reports } = this.parts;
    const most = checks.maxObjects(s, page);
    const objects = objectsOf(memory.readOnce(page + Page.counters));
    if (objects !== most) {
      const message = `Wrong number of objects. Found ${objects} but should be ${most}`;
      reports.slab(s, page, { failure: "counter-drift", message });
      this.setCounts(page, inuseOf(memory.readOnce(page + Page.counters)), most);
      reports.fix(s, `Number of objects adjusted${this.stop}`);
    }
    const inuse = inuseOf(memory.readOnce(page + Page.counters));
    if (inuse !== most - free) {
      const message = `Wrong object count. Counter is ${inuse} but counted were ${most - free}`;
      reports.slab(s, page, { failure: "counter-drift", message });
      this.setCounts(page, most - free, most);
      reports.fix(s, `Object count adjusted${this.stop}`);
    }
  }

  private setCounts(page: PagePtr, inuse: number, objects: number): void {
    const at = page + Page.counters;
    this.memory.writeOnce(at, packCounters(inuse, objects, isFrozen(this.memory.readOnce(at))));
  }

  /** get_map: all objects on the slab's list. */
  freeObjects(s: KmemCachePtr, page: PagePtr): Set<Address> {
    return this.chain(s, page, this.memory.readOnce(page + Page.freelist));
  }

  /** The objects of a list from `head` on, up to the first pointer that leads to no object. */
  chain(s: KmemCachePtr, page: PagePtr, head: Address): Set<Address> {
    const { freePointers, checks } = this.parts;
    const found = new Set<Address>();
    let object = head;
    while (object !== 0 && !found.has(object) && checks.isValidPointer(s, page, object)) {
      found.add(object);
      object = freePointers.getSafe(s, object);
    }
    return found;
  }
}
