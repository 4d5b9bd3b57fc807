/**
 * init_on_alloc and init_on_free (Linux 5.3): objects are zeroed when they are handed out, or when
 * they come back. Caches with a constructor, under RCU, or poisoned keep what is in their objects.
 */
import { SLAB_POISON, SLAB_TYPESAFE_BY_RCU } from "../../caches/flags.ts";
import type { Address } from "../../machine/memory.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { SlubClasses } from "../classes.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

/** slab_want_init_on_alloc, slab_want_init_on_free */
function mayBeZeroed({ memory }: SlubContext, s: KmemCachePtr): boolean {
  const kept = memory.read32(s + KmemCache.flags) & (SLAB_TYPESAFE_BY_RCU | SLAB_POISON);
  return kept === 0 && memory.read32(s + KmemCache.ctor) === 0;
}

export function withInitOnAlloc(classes: SlubClasses): SlubClasses {
  return {
    ...classes,
    Slub: class extends classes.Slub {
      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        return super.slabAllocNode(s, this.zeroing(s, gfp), node);
      }

      override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
        return super.allocBulk(s, this.zeroing(s, gfp), size, p);
      }

      private zeroing(s: KmemCachePtr, gfp: number): number {
        return mayBeZeroed(this.context, s) ? gfp | __GFP_ZERO : gfp;
      }
    },
  };
}

export function withInitOnFree(classes: SlubClasses): SlubClasses {
  return {
    ...classes,
    Slub: class extends classes.Slub {
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

      /** maybe_wipe_obj_freeptr: all that is not zero in a free object. */
      private wipeFreePointer(s: KmemCachePtr, object: Address): void {
        if (!mayBeZeroed(this.context, s)) return;
        this.memory.write32(object + this.memory.read32(s + KmemCache.offset), 0);
      }

      /** The links of the chain lie in the objects, so each is read before and written again. */
      override slabFreeChain(
        s: KmemCachePtr,
        page: PagePtr,
        head: Address,
        tail: Address,
        count: number,
      ): void {
        if (mayBeZeroed(this.context, s)) {
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
