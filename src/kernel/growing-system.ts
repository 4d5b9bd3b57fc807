// SPDX-License-Identifier: GPL-2.0-only
/**
 * A system whose memory grows by itself: a call that may sleep, and has found no pages, brings the next
 * part of the memory and tries again. Its nodes have no CPU, and their pages are touched by nobody
 * before: an operating system gives them no memory of its own until then.
 */

import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { Address } from "../machine/memory.ts";
import { NUMA_NO_NODE as NO_NODE } from "../machine/topology.ts";
import { __GFP_WAIT, GFP_KERNEL } from "../pages/gfp.ts";
import type { GrowingPages } from "../pages/with-growth.ts";
import type { CacheOptions, System } from "./system.ts";

/** `maySleep`: whether the running section has preemption on. */
export function growing(Base: typeof System, maySleep: () => boolean): typeof System {
  return class extends Base {
    /** Brings memory where that may help what has just failed. True: it is to be tried again. */
    private growsFor(gfp: number, node: number): boolean {
      const pages = this.pages as GrowingPages;
      if (!pages.ranOut || (gfp & __GFP_WAIT) === 0 || node !== NO_NODE) return false;
      if (this.memory.irqsDisabled() || !maySleep()) return false;
      return this.grow() > 0;
    }

    private begin(): void {
      (this.pages as GrowingPages).ranOut = false;
    }

    override grow(): number {
      const pages = this.pages as GrowingPages;
      pages.isGrowing = true;
      const bytes = super.grow();
      pages.isGrowing = false;
      return bytes;
    }

    /** Makes a call again that has just failed, for as long as that may help. */
    private again<A extends unknown[]>(
      gfp: number,
      node: number,
      call: (...args: A) => number,
      args: A,
    ): number {
      while (this.growsFor(gfp, node)) {
        this.begin();
        const got = call.apply(this, args);
        if (got !== 0) return got;
      }
      return 0;
    }

    override kmallocNode(size: number, gfp: number, node: number): Address {
      this.begin();
      const object = super.kmallocNode(size, gfp, node);
      return object || this.again(gfp, node, super.kmallocNode, [size, gfp, node]);
    }

    override kmallocAligned(size: number, align: number, gfp: number): Address {
      this.begin();
      const object = super.kmallocAligned(size, align, gfp);
      return object || this.again(gfp, NO_NODE, super.kmallocAligned, [size, align, gfp]);
    }

    override kmallocTrace(
      s: KmemCachePtr,
      size: number,
      gfp = GFP_KERNEL,
      node = NO_NODE,
    ): Address {
      this.begin();
      const object = super.kmallocTrace(s, size, gfp, node);
      return object || this.again(gfp, node, super.kmallocTrace, [s, size, gfp, node]);
    }

    override kmemCacheAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      this.begin();
      const object = super.kmemCacheAllocNode(s, gfp, node);
      return object || this.again(gfp, node, super.kmemCacheAllocNode, [s, gfp, node]);
    }

    override kmemCacheAllocBulk(
      s: KmemCachePtr,
      size: number,
      p: Address[],
      gfp = GFP_KERNEL,
    ): number {
      this.begin();
      const count = super.kmemCacheAllocBulk(s, size, p, gfp);
      return count || this.again(gfp, NO_NODE, super.kmemCacheAllocBulk, [s, size, p, gfp]);
    }

    override kmemCacheCreate(name: string, size: number, options: CacheOptions = {}): KmemCachePtr {
      this.begin();
      const s = super.kmemCacheCreate(name, size, options);
      return s || this.again(GFP_KERNEL, NO_NODE, super.kmemCacheCreate, [name, size, options]);
    }

    override kmemCachePrefillSheaf(s: KmemCachePtr, size: number, gfp = GFP_KERNEL): Address {
      this.begin();
      const sheaf = super.kmemCachePrefillSheaf(s, size, gfp);
      return sheaf || this.again(gfp, NO_NODE, super.kmemCachePrefillSheaf, [s, size, gfp]);
    }

    override refillSheaf(s: KmemCachePtr, sheaf: Address, size: number, gfp = GFP_KERNEL): Address {
      this.begin();
      const full = super.refillSheaf(s, sheaf, size, gfp);
      return full || this.again(gfp, NO_NODE, super.refillSheaf, [s, sheaf, size, gfp]);
    }
  };
}
