// SPDX-License-Identifier: GPL-2.0-only
/** An allocator with kmemcheck: what is known of an object changes as it comes and goes. */
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { AllocatorClass } from "../allocator-class.ts";
import type { KmemCachePtr } from "../kmem-cache.ts";
import type { SlabCommon } from "../slab-common.ts";
import { Kmemcheck } from "./kmemcheck.ts";

export function withKmemcheckObjects<C extends AllocatorClass>(Base: C): C {
  return class extends (Base as AllocatorClass) {
    declare private readonly kmemcheck: Kmemcheck;

    // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
    constructor(common: SlabCommon, ...parts: any[]) {
      super(common, ...parts);
      this.kmemcheck = new Kmemcheck(common);
      common.kmemcheck = this.kmemcheck;
      common.machine.checker = this.kmemcheck;
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      const object = super.slabAllocNode(s, gfp, node);
      if (object !== 0) this.kmemcheck.allocated(s, gfp, object);
      return object;
    }

    override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
      const got = super.allocBulk(s, gfp, size, p);
      for (let i = 0; i < got; i++) this.kmemcheck.allocated(s, gfp, p[i] as Address);
      return got;
    }

    override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
      this.kmemcheck.freed(s, object);
      super.slabFree(s, page, object);
    }

    override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
      for (let i = 0; i < size; i++) this.kmemcheck.freedAny(s, p[i] as Address);
      super.freeBulk(s, size, p);
    }
  } as unknown as C;
}
