// SPDX-License-Identifier: GPL-2.0-only
/**
 * init_on_free (Linux 5.3) where sheaves stand above cpu slabs: an object is zeroed when its user gives
 * it back; what the sheaves do with it later does not count as a free.
 */
import { mayBeZeroed } from "../../caches/init-on-alloc.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { OptInClasses } from "../kernels.ts";
import { ownerOf, withZeroingHook, zero } from "../sheaves/init-on-free.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

export function withOptInInitOnFree(classes: OptInClasses): Partial<OptInClasses> {
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

      /** maybe_wipe_obj_freeptr: only the free pointer of a free object is not zero. */
      wiped(s: KmemCachePtr, object: Address): Address {
        if (object !== 0 && mayBeZeroed(this.memory, s)) {
          this.memory.write32(object + this.memory.read32(s + KmemCache.offset), 0);
        }
        return object;
      }

      override handOut(s: KmemCachePtr, gfp: number, object: Address): Address {
        return super.handOut(s, gfp, this.wiped(s, object));
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
    },
    OptInSheaves: class extends classes.OptInSheaves {
      override freeNolock(s: KmemCachePtr, object: Address): void {
        zero(this.context.memory, s, object);
        super.freeNolock(s, object);
      }
    },
    RcuSheaves: withZeroingHook(classes.RcuSheaves),
  };
}
