/**
 * init_on_alloc and init_on_free (Linux 5.3): objects are zeroed when they are handed out, or when
 * they come back. Caches with a constructor, under RCU, or poisoned keep what is in their objects.
 * Index arrays then lie in no free object: its next user would see them.
 */
import { SLAB_POISON, SLAB_TYPESAFE_BY_RCU } from "../../caches/flags.ts";
import type { Address } from "../../machine/memory.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { SlabClasses } from "../classes.ts";
import type { SlabContext } from "../slab-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

/** slab_want_init_on_alloc, slab_want_init_on_free */
function mayBeZeroed({ memory }: SlabContext, s: KmemCachePtr): boolean {
  const kept = memory.read32(s + KmemCache.flags) & (SLAB_TYPESAFE_BY_RCU | SLAB_POISON);
  return kept === 0 && memory.read32(s + KmemCache.ctor) === 0;
}

export function withSlabInitOnAlloc(classes: SlabClasses): SlabClasses {
  return {
    ...classes,
    Slab: class extends classes.Slab {
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

export function withSlabInitOnFree(classes: SlabClasses): SlabClasses {
  return {
    ...classes,
    CacheLifetime: class extends classes.CacheLifetime {
      protected override readonly initOnFree = true;
    },
    Slab: class extends classes.Slab {
      override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
        this.wipe(s, object);
        super.slabFree(s, page, object);
      }

      override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
        for (let i = 0; i < size; i++) {
          const object = p[i] as Address;
          const page = this.context.pages.virtToHeadPage(object);
          this.wipe(this.memory.read32(page + Page.slabCache), object);
        }
        super.freeBulk(s, size, p);
      }

      private wipe(s: KmemCachePtr, object: Address): void {
        if (mayBeZeroed(this.context, s)) this.zero(s, object);
      }
    },
  };
}
