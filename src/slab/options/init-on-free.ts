// SPDX-License-Identifier: GPL-2.0-only
/**
 * init_on_free (Linux 5.3): objects are zeroed when they come back, where the cache allows it.
 * Index arrays then lie in no free object: its next user would see them.
 */
import { mayBeZeroed } from "../../caches/init-on-alloc.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { SlabClasses } from "../kernels.ts";
import type { KmemCachePtr } from "../structs.ts";

export function withSlabInitOnFree(classes: SlabClasses): Partial<SlabClasses> {
  return {
    CacheLifetime: class extends classes.CacheLifetime {
      protected override readonly initOnFree = true;
    },
    Allocator: class extends classes.Allocator {
      override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
        this.wipe(s, object);
        super.slabFree(s, page, object);
      }

      override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
        for (let i = 0; i < size; i++) {
          const object = p[i] as Address;
          const owner = this.bulk.ownerOf(s, this.context.pages.virtToHeadPage(object));
          if (owner !== 0) this.wipe(owner, object);
        }
        super.freeBulk(s, size, p);
      }

      private wipe(s: KmemCachePtr, object: Address): void {
        if (mayBeZeroed(this.memory, s)) this.zero(s, object);
      }
    },
  };
}
