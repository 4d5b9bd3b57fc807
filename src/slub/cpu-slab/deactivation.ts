// SPDX-License-Identifier: GPL-2.0-only
/**
 * A CPU gives its slab up: the private list goes back to page->freelist, frozen is cleared, and the
 * slab goes where it now belongs: full (no list), partial, or back to the page allocator.
 */
import type { Address, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, withFrozen, withInuse } from "../counters.ts";
import type { FreePointers } from "../free-pointers.ts";
import { ADD_TO_HEAD, ADD_TO_TAIL, type ListEnd, type NodePartial } from "../node-partial.ts";
import type { PageSwap } from "../page-swap.ts";
import type { SlabPages } from "../slab-pages.ts";
import type { SlubContext } from "../slub-context.ts";
import {
  DEACTIVATE_EMPTY,
  DEACTIVATE_FULL,
  DEACTIVATE_REMOTE_FREES,
  DEACTIVATE_TO_HEAD,
  DEACTIVATE_TO_TAIL,
  FREE_SLAB,
} from "../statistics.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";

/** Where a slab lies while it is being deactivated (enum slab_modes). */
const M_NONE = 0;
const M_PARTIAL = 1;
const M_FULL = 2;
const M_FREE = 3;
type SlabMode = typeof M_NONE | typeof M_PARTIAL | typeof M_FULL | typeof M_FREE;

export interface DeactivationParts {
  readonly context: SlubContext;
  readonly freePointers: FreePointers;
  readonly pageSwap: PageSwap;
  readonly nodePartial: NodePartial;
  readonly slabPages: SlabPages;
}

export class Deactivation {
  declare protected readonly parts: DeactivationParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: DeactivationParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  /**
   * deactivate_slab: interrupts are off; `page` is frozen and this CPU's, `freelist` its private
   * list. The caller forgets both afterwards (CpuSlab.drop).
   */
  deactivate(s: KmemCachePtr, page: PagePtr, freelist: Address): void {
    const hadRemoteFrees = this.memory.readOnce(page + Page.freelist) !== 0;
    if (hadRemoteFrees) this.context.stat(s, DEACTIVATE_REMOTE_FREES);
    const last = this.returnAllButLast(s, page, freelist);
    this.unfreeze(s, page, last, hadRemoteFrees ? ADD_TO_TAIL : ADD_TO_HEAD);
  }

  /**
   * Stage one: pushes the private list back, object by object, while the slab stays frozen; so no
   * lock is needed. Returns the last object, or 0 where the list was empty.
   */
  protected returnAllButLast(s: KmemCachePtr, page: PagePtr, freelist: Address): Address {
    const { freePointers } = this.parts;
    let object = freelist;
    while (object !== 0) {
      const next = freePointers.get(s, object);
      if (next === 0) return object;
      this.pushBack(s, page, object);
      object = next;
    }
    return 0;
  }

  private pushBack(s: KmemCachePtr, page: PagePtr, object: Address): void {
    const { memory } = this;
    const { freePointers, pageSwap } = this.parts;
    for (;;) {
      const prior = memory.readOnce(page + Page.freelist);
      const counters = memory.readOnce(page + Page.counters);
      freePointers.set(s, object, prior);
      const fewer = withInuse(counters, inuseOf(counters) - 1);
      if (pageSwap.swap(s, page, prior, counters, object, fewer)) return;
    }
  }

  /**
   * Stage two: one swap returns the last object and clears frozen. The list operation that goes with
   * it is done before, under list_lock, and undone if the swap fails and the slab now belongs
   * elsewhere; the lock is kept between tries. A slab is thus listed for a moment while it is still
   * frozen, which no CPU can see without the lock.
   */
  protected unfreeze(s: KmemCachePtr, page: PagePtr, last: Address, end: ListEnd): void {
    const { memory } = this;
    const { freePointers, pageSwap, nodePartial } = this.parts;
    const n = this.context.nodeOfPage(s, page);
    let locked = false;
    let placed: SlabMode = M_NONE;
    for (;;) {
      const oldFreelist = memory.readOnce(page + Page.freelist);
      const oldCounters = memory.readOnce(page + Page.counters);
      let counters = oldCounters;
      let freelist = oldFreelist;
      if (last !== 0) {
        counters = withInuse(counters, inuseOf(counters) - 1);
        freePointers.set(s, last, oldFreelist);
        freelist = last;
      }
      counters = withFrozen(counters, false);

      const mode = this.modeOf(s, n, freelist, counters);
      if (!locked && this.needsLock(s, mode)) {
        locked = true;
        nodePartial.lock(n);
      }
      if (mode !== placed) {
        this.undo(s, n, page, placed);
        this.place(s, n, page, mode, end);
      }
      placed = mode;
      if (pageSwap.swap(s, page, oldFreelist, oldCounters, freelist, counters)) break;
    }
    if (locked) nodePartial.unlock(n);
    if (placed === M_FREE) {
      this.context.stat(s, DEACTIVATE_EMPTY);
      this.parts.slabPages.discard(s, page);
      this.context.stat(s, FREE_SLAB);
    }
  }

  private modeOf(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    freelist: Address,
    counters: number,
  ): SlabMode {
    if (inuseOf(counters) === 0 && this.parts.nodePartial.hasEnough(s, n)) return M_FREE;
    return freelist !== 0 ? M_PARTIAL : M_FULL;
  }

  private needsLock(s: KmemCachePtr, mode: SlabMode): boolean {
    return mode === M_PARTIAL || (mode === M_FULL && this.context.isDebug(s));
  }

  private undo(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr, placed: SlabMode): void {
    const { nodePartial } = this.parts;
    if (placed === M_PARTIAL) nodePartial.remove(n, page);
    else if (placed === M_FULL) nodePartial.removeFull(s, n, page);
  }

  private place(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    page: PagePtr,
    mode: SlabMode,
    end: ListEnd,
  ): void {
    const { nodePartial } = this.parts;
    if (mode === M_PARTIAL) {
      nodePartial.add(n, page, end);
      this.context.stat(s, end === ADD_TO_TAIL ? DEACTIVATE_TO_TAIL : DEACTIVATE_TO_HEAD);
    } else if (mode === M_FULL) {
      this.context.stat(s, DEACTIVATE_FULL);
      nodePartial.addFull(s, n, page);
    }
  }
}
