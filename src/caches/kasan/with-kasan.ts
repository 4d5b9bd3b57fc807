// SPDX-License-Identifier: GPL-2.0-only
/** An allocator with KASAN: objects are poisoned on their way back, and wait in the quarantine. */
import { bothCheckers } from "../../machine/access-checker.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr, PG_SLAB } from "../../pages/page.ts";
import type { Allocator, SheafCalls } from "../allocator.ts";
import type { AllocatorClass } from "../allocator-class.ts";
import type { KmemCachePtr } from "../kmem-cache.ts";
import { withSheafCalls } from "../sheaf-calls.ts";
import type { SlabCommon } from "../slab-common.ts";
import { Kasan } from "./kasan.ts";
import type { QuarantineParts } from "./quarantine.ts";

type WholeAllocatorClass = new (
  ...args: ConstructorParameters<AllocatorClass>
) => Allocator & { sheafCalls?: SheafCalls };

export function withKasanObjects<C extends AllocatorClass>(Base: C): C {
  return class extends (Base as unknown as WholeAllocatorClass) {
    declare private readonly common: SlabCommon;
    declare private readonly kasan: Kasan;

    // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
    constructor(common: SlabCommon, ...parts: any[]) {
      super(common, ...parts);
      this.common = common;
      this.kasan = new Kasan(common, parts[0] as QuarantineParts, (s, object) =>
        super.slabFree(s, common.pages.virtToHeadPage(object), object),
      );
      common.kasan = this.kasan;
      common.machine.checker = bothCheckers(this.kasan, common.machine.checker);
      if (this.sheafCalls !== undefined) {
        this.sheafCalls = withKasanSheaves(this.sheafCalls, this.kasan, common);
      }
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      this.kasan.beforeAlloc(gfp);
      const object = super.slabAllocNode(s, gfp, node);
      if (object !== 0) this.kasan.allocated(s, object);
      return object;
    }

    override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
      this.kasan.beforeAlloc(gfp);
      const got = super.allocBulk(s, gfp, size, p);
      for (let i = 0; i < got; i++) this.kasan.allocated(s, p[i] as Address);
      return got;
    }

    override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
      if (!this.kasan.freed(s, page, object)) super.slabFree(s, page, object);
    }

    override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
      let left = 0;
      for (let i = 0; i < size; i++) {
        const object = p[i] as Address;
        if (!this.isWithheld(s, object)) p[left++] = object;
      }
      if (left > 0) super.freeBulk(s, left, p);
    }

    /** With s = 0, whole pages may be among the objects. */
    private isWithheld(s: KmemCachePtr, object: Address): boolean {
      const { machine, pages } = this.common;
      const page = pages.virtToHeadPage(object);
      const isSlab = (machine.memory.readOnce(page + Page.flags) & PG_SLAB) !== 0;
      const owner = isSlab ? machine.memory.read32(page + Page.slabCache) : 0;
      // What belongs elsewhere is refused by the allocator.
      return owner !== 0 && (s === 0 || s === owner) && this.kasan.freed(owner, page, object);
    }

    /** kasan_cache_shrink */
    override shrink(s: KmemCachePtr): number {
      this.kasan.quarantine.removeCache(s);
      return super.shrink(s);
    }

    /** kasan_cache_shutdown */
    override shutdown(s: KmemCachePtr): boolean {
      this.kasan.quarantine.removeCache(s);
      return super.shutdown(s);
    }
  } as unknown as C;
}

/** No sheaf takes what is given to kfree_rcu: it would come back without a word to KASAN. */
function withKasanSheaves(calls: SheafCalls, kasan: Kasan, { pages }: SlabCommon): SheafCalls {
  const allocated = (s: KmemCachePtr, object: Address): Address => {
    if (object !== 0) kasan.allocated(s, object);
    return object;
  };
  return withSheafCalls(calls, {
    kfreeRcu: () => false,
    allocFromSheaf: (s, gfp, sheaf) => allocated(s, calls.allocFromSheaf(s, gfp, sheaf)),
    allocNolock: (s, gfp, node) => allocated(s, calls.allocNolock(s, gfp, node)),
    freeNolock: (s, object) => {
      if (!kasan.freed(s, pages.virtToHeadPage(object), object, false)) calls.freeNolock(s, object);
    },
  });
}
