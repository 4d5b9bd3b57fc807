// SPDX-License-Identifier: GPL-2.0-only
/** An allocator of Linux 4.1 with memory groups: an allocation of a group's task is from its child cache. */
import type { Address } from "../../machine/memory.ts";
import { Page } from "../../pages/page.ts";
import type { AllocatorClass } from "../allocator-class.ts";
import type { KmemCachePtr } from "../kmem-cache.ts";
import type { SlabCommon } from "../slab-common.ts";
import type { ChildCaches } from "./child-caches.ts";

/** The class of groups in the table that an allocator is made of. */
export interface ChildCacheParts {
  Groups: typeof ChildCaches;
}

export function withChildCaches<C extends AllocatorClass>(Base: C): C {
  return class extends (Base as AllocatorClass) {
    declare private readonly common: SlabCommon;
    declare private readonly groups: ChildCaches;

    // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
    constructor(common: SlabCommon, ...parts: any[]) {
      super(common, ...parts);
      this.common = common;
      this.groups = new (parts[0] as ChildCacheParts).Groups(common);
      common.groups = this.groups;
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      const child = this.groups.getCache(s, gfp);
      const object = super.slabAllocNode(child, gfp, node);
      if (child !== s) this.groups.putCache(child);
      return object;
    }

    override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
      const child = this.groups.getCache(s, gfp);
      const got = super.allocBulk(child, gfp, size, p);
      if (child !== s) this.groups.putCache(child);
      return got;
    }

    /** Each object goes to its own cache, which is `s` or a child of it (cache_from_obj). */
    override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
      const { common, groups } = this;
      for (let i = 0; s !== 0 && i < size; i++) {
        const page = common.pages.virtToHeadPage(p[i] as Address);
        const owner = common.machine.memory.read32(page + Page.slabCache);
        if (owner !== s && (owner === 0 || groups.rootOf(owner) !== s)) {
          common.wrongCache(s, owner, p[i] as Address);
        }
      }
      super.freeBulk(0, size, p);
    }
  } as unknown as C;
}
