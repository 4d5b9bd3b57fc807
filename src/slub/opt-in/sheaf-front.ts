// SPDX-License-Identifier: GPL-2.0-only
/** The sheaves of a cache that has asked for them; another has none, not even words for them. */
import { SheafFront } from "../sheaves/front.ts";
import type { KmemCachePtr } from "../structs.ts";

export class OptInSheafFront extends SheafFront {
  override openCpus(s: KmemCachePtr): boolean {
    return !this.has(s) || this.openSheaves(s);
  }

  override closeCpus(s: KmemCachePtr): void {
    if (this.has(s)) this.closeSheaves(s);
  }

  has(s: KmemCachePtr): boolean {
    return this.parts.sheaves.capacityOf(s) !== 0;
  }

  /** A barn is a part of struct kmem_cache_node. */
  protected override hasBarn(nid: number): boolean {
    return this.context.pages.hasMemory(nid);
  }
}
