// SPDX-License-Identifier: GPL-2.0-only
/**
 * init_on_free (Linux 5.3): objects are zeroed when they come back, where the cache allows it.
 */
import { mayBeZeroed } from "../../caches/init-on-alloc.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { SlubClasses } from "../kernels.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

export function withInitOnFree(classes: SlubClasses): Partial<SlubClasses> {
  return {
    Allocator: class extends classes.Allocator {
      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        const object = super.slabAllocNode(s, gfp, node);
        if (object !== 0) this.wipeFreePointer(s, object);
        return object;
      }

      override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
        const got = super.allocBulk(s, gfp, size, p);
        for (let i = 0; i < got; i++) this.wipeFreePointer(s, p[i] as Address);
        return got;
      }

      /** maybe_wipe_obj_freeptr: only the free pointer of a free object is not zero. */
      private wipeFreePointer(s: KmemCachePtr, object: Address): void {
        if (!mayBeZeroed(this.memory, s)) return;
        this.memory.write32(object + this.memory.read32(s + KmemCache.offset), 0);
      }

      /** The links of the chain lie in the objects: each is read before the fill and written again. */
      override slabFreeChain(
        s: KmemCachePtr,
        page: PagePtr,
        head: Address,
        tail: Address,
        count: number,
      ): void {
        if (mayBeZeroed(this.memory, s)) {
          const bytes = this.memory.read32(s + KmemCache.objectSize);
          for (let object = head, left = count; left > 0; left--) {
            const next = left > 1 ? this.freePointers.get(s, object) : 0;
            this.memory.fill(object, 0, bytes);
            if (left > 1) this.freePointers.set(s, object, next);
            object = next;
          }
        }
        super.slabFreeChain(s, page, head, tail, count);
      }
    },
  };
}
