// SPDX-License-Identifier: GPL-2.0-only
/** kmemleak's hooks: each object is known from its allocation to its free. */
import type { AllocatorClass } from "../caches/allocator-class.ts";
import { SLAB_NOLEAKTRACE } from "../caches/flags.ts";
import { KmemCacheBase, type KmemCachePtr } from "../caches/kmem-cache.ts";
import type { TrackedObjects } from "../caches/kmemleak/tracked-objects.ts";
import type { SlabCommon } from "../caches/slab-common.ts";
import type { SlabWatch } from "../caches/slab-watch.ts";
import type { Address } from "../machine/memory.ts";
import { Page, type PagePtr } from "../pages/page.ts";
import { type Change, inTurn, onAllocator, watchingSlabs } from "./classes.ts";

function withKmemleakObjects<C extends AllocatorClass>(Base: C, Tracked: typeof TrackedObjects): C {
  return class extends (Base as AllocatorClass) {
    declare private readonly common: SlabCommon;
    declare private readonly tracked: TrackedObjects;

    // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
    constructor(common: SlabCommon, ...parts: any[]) {
      super(common, ...parts);
      this.common = common;
      this.tracked = new Tracked(common.machine);
      common.kmemleak = this.tracked;
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      const object = super.slabAllocNode(s, gfp, node);
      if (object !== 0) kmemleakAllocRecursive(this.common, s, object);
      return object;
    }

    override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
      this.tracked.freed(object);
      super.slabFree(s, page, object);
    }

    override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
      const got = super.allocBulk(s, gfp, size, p);
      for (let i = 0; i < got; i++) kmemleakAllocRecursive(this.common, s, p[i] as Address);
      return got;
    }

    override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
      for (let i = 0; i < size; i++) {
        const object = p[i] as Address;
        // Without a cache, NULL may be among them.
        if (this.common.pages.virtAddrValid(object)) this.tracked.freed(object);
      }
      super.freeBulk(s, size, p);
    }
  } as unknown as C;
}

/** kmemleak_alloc_recursive */
function kmemleakAllocRecursive(common: SlabCommon, s: KmemCachePtr, object: Address): void {
  const flags = common.machine.memory.read32(s + KmemCacheBase.flags);
  if ((flags & SLAB_NOLEAKTRACE) === 0) common.kmemleak?.allocated(object);
}

/** Objects that no call of the allocator hands out; slabs are of no interest. */
const WATCH: SlabWatch = {
  handedOut(common, object) {
    const page = common.pages.virtToHeadPage(object);
    kmemleakAllocRecursive(common, common.machine.memory.read32(page + Page.slabCache), object);
  },

  takenBack(common, object) {
    common.kmemleak?.freed(object);
  },

  dismantled() {},

  givenBack() {},
};

/** Above all other changes: an object is known from the moment that its caller has it. */
export const kmemleakHooks: Change = (classes) =>
  inTurn(
    watchingSlabs(WATCH),
    onAllocator((Base) => withKmemleakObjects(Base, classes.TrackedObjects)),
  )(classes);
