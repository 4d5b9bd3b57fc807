// SPDX-License-Identifier: GPL-2.0-only
/** An allocator since Linux 5.9 with memory groups: objects are charged, and uncharged before they are free. */
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr, PG_SLAB } from "../../pages/page.ts";
import type { AllocatorClass } from "../allocator-class.ts";
import type { KmemCachePtr } from "../kmem-cache.ts";
import type { SlabCommon } from "../slab-common.ts";
import type { ObjCgroups } from "./obj-cgroups.ts";

/** The class of groups in the table that an allocator is made of. */
export interface ObjCgroupParts {
  Groups: typeof ObjCgroups;
}

export function withObjectCharging<C extends AllocatorClass>(Base: C): C {
  return class extends (Base as AllocatorClass) {
    declare private readonly common: SlabCommon;
    declare private readonly groups: ObjCgroups;

    // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
    constructor(common: SlabCommon, ...parts: any[]) {
      super(common, ...parts);
      this.common = common;
      this.groups = new (parts[0] as ObjCgroupParts).Groups(common);
      common.groups = this.groups;
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      const { groups } = this;
      const objcg = groups.preAlloc(s, gfp, 1);
      if (objcg === 0) return super.slabAllocNode(s, gfp, node);
      if (objcg === undefined) return 0;
      const object = super.slabAllocNode(s, gfp, node);
      if (groups.postAlloc(objcg, s, gfp, 1, object === 0 ? [] : [object])) return object;
      super.slabFree(s, this.common.pages.virtToHeadPage(object), object);
      return 0;
    }

    override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
      const { groups } = this;
      const objcg = groups.preAlloc(s, gfp, size);
      if (objcg === 0) return super.allocBulk(s, gfp, size, p);
      if (objcg === undefined) return 0;
      const got = super.allocBulk(s, gfp, size, p);
      if (groups.postAlloc(objcg, s, gfp, size, p.slice(0, got))) return got;
      // Nobody was told of them.
      this.uncharge(got, p);
      super.freeBulk(s, got, p);
      return 0;
    }

    override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
      this.groups.freed(s, page, object);
      super.slabFree(s, page, object);
    }

    override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
      this.uncharge(size, p);
      super.freeBulk(s, size, p);
    }

    private uncharge(size: number, p: readonly Address[]): void {
      const { machine, pages } = this.common;
      for (const object of p.slice(0, size)) {
        const page = pages.virtToHeadPage(object);
        const isSlab = (machine.memory.readOnce(page + Page.flags) & PG_SLAB) !== 0;
        if (isSlab) this.groups.freed(machine.memory.read32(page + Page.slabCache), page, object);
      }
    }
  } as unknown as C;
}
