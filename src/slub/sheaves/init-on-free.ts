// SPDX-License-Identifier: GPL-2.0-only
/**
 * init_on_free (Linux 5.3) with sheaves: an object is zeroed when its user gives it back, before it
 * goes into a sheaf or to its slab; what the sheaves do with it later does not count as a free.
 */
import { mayBeZeroed } from "../../caches/init-on-alloc.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { Page, type PagePtr, PG_SLAB } from "../../pages/page.ts";
import type { Pages } from "../../pages/pages.ts";
import type { SheafClasses } from "../kernels.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import type { RcuSheaves } from "./rcu-sheaves.ts";
import type { SheafPtr } from "./structs.ts";

export function zero(memory: Memory, s: KmemCachePtr, object: Address): void {
  if (!mayBeZeroed(memory, s)) return;
  memory.fill(object, 0, memory.read32(s + KmemCache.objectSize));
}

/** The cache that owns the object; 0: none, it may be pages of a large kmalloc. */
export function ownerOf(memory: Memory, pages: Pages, object: Address): KmemCachePtr {
  const page = pages.virtToHeadPage(object);
  const isSlab = (memory.readOnce(page + Page.flags) & PG_SLAB) !== 0;
  return isSlab ? memory.read32(page + Page.slabCache) : 0;
}

export function withSheafInitOnFree(classes: SheafClasses): Partial<SheafClasses> {
  return {
    Allocator: class extends classes.Allocator {
      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        return this.wiped(s, super.slabAllocNode(s, gfp, node));
      }

      override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
        const got = super.allocBulk(s, gfp, size, p);
        for (let i = 0; i < got; i++) this.wiped(s, p[i] as Address);
        return got;
      }

      override allocFromSheaf(s: KmemCachePtr, gfp: number, sheaf: SheafPtr): Address {
        return this.wiped(s, super.allocFromSheaf(s, gfp, sheaf));
      }

      override allocNolock(s: KmemCachePtr, gfp: number, node: number): Address {
        return this.wiped(s, super.allocNolock(s, gfp, node));
      }

      /** maybe_wipe_obj_freeptr: only the free pointer of a free object is not zero. */
      private wiped(s: KmemCachePtr, object: Address): Address {
        if (object !== 0 && mayBeZeroed(this.memory, s)) {
          this.memory.write32(object + this.memory.read32(s + KmemCache.offset), 0);
        }
        return object;
      }

      override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
        zero(this.memory, s, object);
        super.slabFree(s, page, object);
      }

      override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
        for (const object of p.slice(0, size)) {
          const owner = ownerOf(this.memory, this.context.pages, object);
          if (owner !== 0 && (s === 0 || owner === s)) zero(this.memory, owner, object);
        }
        super.freeBulk(s, size, p);
      }

      override freeNolock(s: KmemCachePtr, object: Address): void {
        zero(this.memory, s, object);
        super.freeNolock(s, object);
      }
    },
    RcuSheaves: withZeroingHook(classes.RcuSheaves),
  };
}

/** An object of kfree_rcu is zeroed when its grace period is over. */
export function withZeroingHook<C extends typeof RcuSheaves>(Base: C): C {
  return class extends (Base as typeof RcuSheaves) {
    protected override slabFreeHook(s: KmemCachePtr, object: Address): void {
      super.slabFreeHook(s, object);
      zero(this.memory, s, object);
    }
  } as unknown as C;
}
