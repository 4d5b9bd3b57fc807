// SPDX-License-Identifier: GPL-2.0-only
/**
 * A system whose memory grows by itself: a call that may sleep, and has found no pages, brings the next
 * part of the memory and tries again. Its nodes have no CPU, and their pages are touched by nobody
 * before: an operating system gives them no memory of its own until then.
 */

import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { Address } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { __GFP_WAIT, GFP_KERNEL } from "../pages/gfp.ts";
import type { GrowingPages } from "../pages/with-growth.ts";
import type { CacheOptions, System } from "./system.ts";

/** `maySleep`: whether the running section has preemption on. */
export function growing(Base: typeof System, maySleep: () => boolean): typeof System {
  return class extends Base {
    /** Brings memory where that may help what has just failed. True: it is to be tried again. */
    private growsFor(gfp: number, node: number): boolean {
      const pages = this.pages as GrowingPages;
      if (!pages.ranOut || (gfp & __GFP_WAIT) === 0 || node !== NUMA_NO_NODE) return false;
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

    override kmallocNode(size: number, gfp: number, node: number): Address {
      for (;;) {
        this.begin();
        const object = super.kmallocNode(size, gfp, node);
        if (object !== 0 || !this.growsFor(gfp, node)) return object;
      }
    }

    override kmallocAligned(size: number, align: number, gfp: number): Address {
      for (;;) {
        this.begin();
        const object = super.kmallocAligned(size, align, gfp);
        if (object !== 0 || !this.growsFor(gfp, NUMA_NO_NODE)) return object;
      }
    }

    override kmemCacheAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      for (;;) {
        this.begin();
        const object = super.kmemCacheAllocNode(s, gfp, node);
        if (object !== 0 || !this.growsFor(gfp, node)) return object;
      }
    }

    override kmemCacheAllocBulk(
      s: KmemCachePtr,
      size: number,
      p: Address[],
      gfp = GFP_KERNEL,
    ): number {
      for (;;) {
        this.begin();
        const count = super.kmemCacheAllocBulk(s, size, p, gfp);
        if (count !== 0 || !this.growsFor(gfp, NUMA_NO_NODE)) return count;
      }
    }

    override kmemCacheCreate(name: string, size: number, options: CacheOptions = {}): KmemCachePtr {
      for (;;) {
        this.begin();
        const s = super.kmemCacheCreate(name, size, options);
        if (s !== 0 || !this.growsFor(GFP_KERNEL, NUMA_NO_NODE)) return s;
      }
    }
  };
}
