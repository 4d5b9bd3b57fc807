// SPDX-License-Identifier: GPL-2.0-only
/**
 * __slab_free since Linux 6.1 (c7323a5ad078): objects of a debug cache are checked and freed in one
 * section under list_lock, which guards all that such a cache has. A chain is freed whole or, if one
 * of its objects fails a check, not at all. Other caches never come by here.
 */
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, objectsOf, withInuse } from "../counters.ts";
import { ADD_TO_TAIL } from "../node-partial.ts";
import { FREE_ADD_PARTIAL, FREE_REMOVE_PARTIAL, FREE_SLAB } from "../statistics.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";
import { SlowFree } from "./slow-free.ts";

/** Objects of one slab, linked from head to tail. */
interface Chain {
  readonly head: Address;
  readonly tail: Address;
  readonly count: number;
}

export class SlowFreeDebugApart extends SlowFree {
  /** free_debug_processing */
  protected override freeDebugChain(
    s: KmemCachePtr,
    page: PagePtr,
    head: Address,
    tail: Address,
    count: number,
  ): void {
    const { nodePartial, slabPages } = this;
    const n = this.context.nodeOfPage(s, page);
    const flags = nodePartial.lockIrqsave(n);
    const chain = { head, tail, count };
    const isUnwanted = this.passesChecks(s, page, chain) && this.list(s, n, page, chain);
    // Counted under the lock, so that a validation sees counts and lists agree.
    if (isUnwanted) {
      slabPages.decSlabsNode(s, page, objectsOf(this.memory.readOnce(page + Page.counters)));
    }
    nodePartial.unlockIrqrestore(n, flags);
    if (!isUnwanted) return;
    this.context.stat(s, FREE_SLAB);
    slabPages.freeSlab(s, page);
  }

  /** Checks each object of the chain and marks it as free. */
  private passesChecks(s: KmemCachePtr, page: PagePtr, { head, tail, count }: Chain): boolean {
    const { memory, debugging, freePointers } = this;
    const inuse = inuseOf(memory.readOnce(page + Page.counters));
    if (inuse < count) {
      const message = `Slab has ${inuse} allocated objects but ${count} are to be freed`;
      debugging.reports.slab(s, page, { failure: "double-free", message });
      return false;
    }
    let object = head;
    for (let checked = 1; ; checked++) {
      if (!debugging.freeDebugProcessing(s, page, object)) return false;
      if (object === tail && checked === count) return true;
      if (object === tail || checked === count) {
        const message = `Bulk free expected ${count} objects but found ${object === tail ? checked : checked + 1}`;
        debugging.reports.slab(s, page, { failure: "list-corruption", message });
        return false;
      }
      object = freePointers.get(s, object);
    }
  }

  /** Puts the chain on the slab's list, by plain steps, and the slab on its own. True: discard it. */
  private list(
    s: KmemCachePtr,
    n: KmemCacheNodePtr,
    page: PagePtr,
    { head, tail, count }: Chain,
  ): boolean {
    const { memory, nodePartial } = this;
    const prior = memory.readOnce(page + Page.freelist);
    const counters = memory.readOnce(page + Page.counters);
    const inuse = inuseOf(counters) - count;
    this.freePointers.set(s, tail, prior);
    memory.writeOnce(page + Page.freelist, head);
    memory.writeOnce(page + Page.counters, withInuse(counters, inuse));
    const isUnwanted = inuse === 0 && nodePartial.hasEnough(s, n);
    if (prior === 0) {
      nodePartial.removeFull(s, n, page);
      if (isUnwanted) return true;
      nodePartial.add(n, page, ADD_TO_TAIL);
      this.context.stat(s, FREE_ADD_PARTIAL);
    } else if (isUnwanted) {
      nodePartial.remove(n, page);
      this.context.stat(s, FREE_REMOVE_PARTIAL);
    }
    return isUnwanted;
  }
}
