// SPDX-License-Identifier: GPL-2.0-only
/**
 * Giving a slab up since Linux 6.8: the swap that clears frozen needs no list_lock. The slab is then
 * on no list, and not marked, so frees leave its place alone until it is listed here.
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
import { DeactivationSpliced } from "./deactivation-spliced.ts";

export class DeactivationUnfrozen extends DeactivationSpliced {
  override deactivate(s: KmemCachePtr, page: PagePtr, freelist: Address): void {
    const { nodePartial } = this.parts;
    const hadRemoteFrees = this.memory.readOnce(page + Page.freelist) !== 0;
    if (hadRemoteFrees) this.context.stat(s, DEACTIVATE_REMOTE_FREES);
    const { inuse, hasFree } = this.unfreezeSpliced(s, page, freelist);
    const n = this.context.nodeOfPage(s, page);
    if (inuse === 0 && nodePartial.hasEnough(s, n)) {
      this.context.stat(s, DEACTIVATE_EMPTY);
      this.parts.slabPages.discard(s, page);
      this.context.stat(s, FREE_SLAB);
    } else if (hasFree) {
      const flags = nodePartial.lockIrqsave(n);
      nodePartial.add(n, page, hadRemoteFrees ? ADD_TO_TAIL : ADD_TO_HEAD);
      nodePartial.unlockIrqrestore(n, flags);
      this.context.stat(s, hadRemoteFrees ? DEACTIVATE_TO_TAIL : DEACTIVATE_TO_HEAD);
    } else this.context.stat(s, DEACTIVATE_FULL);
  }

  /** What the slab has after the swap; a full one may have another owner from then on. */
  private unfreezeSpliced(
    s: KmemCachePtr,
    page: PagePtr,
    freelist: Address,
  ): { inuse: number; hasFree: boolean } {
    const { memory } = this;
    const list = this.count(s, freelist);
    for (;;) {
      const old = {
        freelist: memory.readOnce(page + Page.freelist),
        counters: memory.readOnce(page + Page.counters),
      };
      const inuse = inuseOf(old.counters) - list.objects;
      const counters = withFrozen(withInuse(old.counters, inuse), false);
      if (!this.splice(s, page, list, old, counters)) continue;
      return { inuse, hasFree: list.objects > 0 || old.freelist !== 0 };
    }
  }
}
