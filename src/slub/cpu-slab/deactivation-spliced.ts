// SPDX-License-Identifier: GPL-2.0-only
/**
 * Giving a slab up as it is done since Linux 5.13: the private list is counted, and
 * goes back whole, in its order, in the swap that clears frozen; before, it went back object by
 * object and was reversed by that. The slab is listed after the swap, under a list_lock that was
 * taken before it, and only where it has free objects: a full slab is on no list. Since 6.1 debug
 * caches have no cpu slabs, so there is no list of full slabs to keep.
 */
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, withFrozen, withInuse } from "../counters.ts";
import { ADD_TO_HEAD, ADD_TO_TAIL } from "../node-partial.ts";
import {
  DEACTIVATE_EMPTY,
  DEACTIVATE_FULL,
  DEACTIVATE_REMOTE_FREES,
  DEACTIVATE_TO_HEAD,
  DEACTIVATE_TO_TAIL,
  FREE_SLAB,
} from "../statistics.ts";
import type { KmemCachePtr } from "../structs.ts";
import { Deactivation } from "./deactivation.ts";

/** The private list of a slab that is given up. */
export interface PrivateList {
  readonly head: Address;
  readonly tail: Address;
  readonly objects: number;
}

/** The two words of a slab that are swapped as one, as they were read. */
interface SlabWords {
  readonly freelist: Address;
  readonly counters: number;
}

export class DeactivationSpliced extends Deactivation {
  /** Interrupts may be on: the caller has made its CPU forget the slab. */
  override deactivate(s: KmemCachePtr, page: PagePtr, freelist: Address): void {
    const { memory } = this;
    const { nodePartial } = this.parts;
    const hadRemoteFrees = memory.readOnce(page + Page.freelist) !== 0;
    if (hadRemoteFrees) this.context.stat(s, DEACTIVATE_REMOTE_FREES);
    const list = this.count(s, freelist);
    const n = this.context.nodeOfPage(s, page);
    for (;;) {
      const old: SlabWords = {
        freelist: memory.readOnce(page + Page.freelist),
        counters: memory.readOnce(page + Page.counters),
      };
      const inuse = inuseOf(old.counters) - list.objects;
      const counters = withFrozen(withInuse(old.counters, inuse), false);
      if (inuse === 0 && nodePartial.hasEnough(s, n)) {
        if (!this.splice(s, page, list, old, counters)) continue;
        this.context.stat(s, DEACTIVATE_EMPTY);
        this.parts.slabPages.discard(s, page);
        this.context.stat(s, FREE_SLAB);
      } else if (list.objects > 0 || old.freelist !== 0) {
        const flags = nodePartial.lockIrqsave(n);
        const isDone = this.splice(s, page, list, old, counters);
        if (isDone) nodePartial.add(n, page, hadRemoteFrees ? ADD_TO_TAIL : ADD_TO_HEAD);
        nodePartial.unlockIrqrestore(n, flags);
        if (!isDone) continue;
        this.context.stat(s, hadRemoteFrees ? DEACTIVATE_TO_TAIL : DEACTIVATE_TO_HEAD);
      } else {
        if (!this.splice(s, page, list, old, counters)) continue;
        this.context.stat(s, DEACTIVATE_FULL);
      }
      return;
    }
  }

  protected count(s: KmemCachePtr, head: Address): PrivateList {
    let tail = 0;
    let objects = 0;
    for (let object = head; object !== 0; object = this.parts.freePointers.get(s, object)) {
      tail = object;
      objects++;
    }
    return { head, tail, objects };
  }

  /** Puts the list before what others have freed meanwhile, and the new counters with it. */
  protected splice(
    s: KmemCachePtr,
    page: PagePtr,
    { head, tail, objects }: PrivateList,
    old: SlabWords,
    counters: number,
  ): boolean {
    const { freePointers, pageSwap } = this.parts;
    if (objects > 0) freePointers.set(s, tail, old.freelist);
    const freelist = objects > 0 ? head : old.freelist;
    return pageSwap.swapIrqSafe(s, page, old.freelist, old.counters, freelist, counters);
  }
}
