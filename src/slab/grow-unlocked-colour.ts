// SPDX-License-Identifier: GPL-2.0-only
/**
 * Growing since Linux 4.7 (cache_grow_begin; 03d1d43a1262): the colour is that of the node the pages
 * came from, counted without its lock. Two CPUs may get the same colour, which costs nothing; a
 * number out of range must not get through, so it is looked at again.
 */
import { __GFP_NOFAIL } from "../pages/gfp.ts";
import type { PagePtr } from "../pages/page.ts";
import { Grow } from "./grow.ts";
import { KmemCache, KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

export class GrowUnlockedColour extends Grow {
  /** gfp_exact_node: such a request may also fail, since other nodes are asked next. */
  override exactNode(gfp: number): number {
    return super.exactNode(gfp) & ~__GFP_NOFAIL;
  }

  override begin(s: KmemCachePtr, gfp: number, nid: number): PagePtr {
    return this.beginFrom(s, this.exactNode(gfp), nid);
  }

  override beginAnywhere(s: KmemCachePtr, gfp: number): PagePtr {
    return this.beginFrom(s, gfp, this.context.localNode());
  }

  private beginFrom(s: KmemCachePtr, gfp: number, nid: number): PagePtr {
    return this.sleeping(gfp, () => {
      const page = this.slabPages.getPages(s, gfp, nid);
      if (page === 0) return 0;
      const colour = this.nextColour(s, this.context.nodeOfPage(s, page));
      return this.setUp(s, page, this.colourOffset(s, colour), gfp, nid);
    });
  }

  protected override nextColour(s: KmemCachePtr, n: KmemCacheNodePtr): number {
    const { memory } = this;
    const colours = memory.read32(s + KmemCache.colour);
    const next = memory.readOnce(n + KmemCacheNode.colourNext) + 1;
    memory.writeOnce(n + KmemCacheNode.colourNext, next);
    if (next >= colours) memory.writeOnce(n + KmemCacheNode.colourNext, 0);
    const colour = memory.readOnce(n + KmemCacheNode.colourNext);
    return colour >= colours ? 0 : colour;
  }
}
