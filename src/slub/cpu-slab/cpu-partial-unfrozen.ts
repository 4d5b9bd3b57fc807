// SPDX-License-Identifier: GPL-2.0-only
/**
 * The cpu partial list since Linux 6.8: its slabs are not frozen. Its CPU takes them off the list
 * before it touches them, so frozen would tell nobody anything; a free to one of them looks like a
 * free to a slab on a node's list, but for the missing mark.
 */
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf } from "../counters.ts";
import { ADD_TO_TAIL } from "../node-partial.ts";
import { FREE_ADD_PARTIAL } from "../statistics.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../structs.ts";
import { CpuPartialBySlabs } from "./cpu-partial-by-slabs.ts";

export class CpuPartialUnfrozen extends CpuPartialBySlabs {
  /** Lists a slab. A free that empties it needs the same lock, so the count read here holds. */
  protected override unfreezeOne(s: KmemCachePtr, n: KmemCacheNodePtr, page: PagePtr): boolean {
    const { nodePartial } = this;
    const inuse = inuseOf(this.memory.readOnce(page + Page.counters));
    if (inuse === 0 && nodePartial.hasEnough(s, n)) return true;
    nodePartial.add(n, page, ADD_TO_TAIL);
    this.context.stat(s, FREE_ADD_PARTIAL);
    return false;
  }

  /** __put_partials of one slab that its CPU has taken off its list. */
  giveToNode(s: KmemCachePtr, page: PagePtr): void {
    this.memory.writeOnce(page + Page.next, 0);
    this.unfreezeAll(s, page);
  }
}
