// SPDX-License-Identifier: GPL-2.0-only
/**
 * Memory groups of Linux 7.1: as since 5.9, but the distance of a vector's entries is the slab's own, and
 * a slab whose vector found no memory is marked, which a later attempt finds.
 */
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { KmemCachePtr } from "../kmem-cache.ts";
import { ENTRY_BYTES, type ObjCgroupPtr, ObjCgroups } from "./obj-cgroups.ts";

/** OBJEXTS_ALLOC_FAIL */
const ALLOC_FAIL = 2;

export class SlabObjExts extends ObjCgroups {
  /** Before any other CPU can see the slab, and so before its vector (e9217ca77dc3). */
  override slabMade(_s: KmemCachePtr, page: PagePtr): void {
    this.setStride(page);
  }

  /** Objects are charged when they are there. */
  override preAlloc(s: KmemCachePtr, gfp: number): ObjCgroupPtr {
    return this.ownerOf(s, gfp);
  }

  override postAlloc(
    objcg: ObjCgroupPtr,
    s: KmemCachePtr,
    gfp: number,
    _n: number,
    objects: readonly Address[],
  ): boolean {
    const mayHave = objects.every((object) => {
      const page = this.common.pages.virtToHeadPage(object);
      if (!this.ensureVector(s, page)) return true;
      const isCharged = this.charge(objcg, this.fullSize(s), gfp);
      if (isCharged) this.setOwner(objcg, s, page, object);
      return isCharged;
    });
    this.putObjcg(objcg);
    return mayHave;
  }

  protected setStride(page: PagePtr): void {
    this.memory.writeOnce(page + Page.stride, ENTRY_BYTES);
  }

  override strideOf(page: PagePtr): number {
    return this.memory.readOnce(page + Page.stride);
  }

  /** Another CPU may have published a vector meanwhile, which must stay (6ed8bfd24ce1) and is used (7f434e1d9a17). */
  protected override vectorFailed(page: PagePtr): boolean {
    const found = this.memory.cmpxchg(page + Page.memcgData, 0, ALLOC_FAIL);
    return found !== 0 && found !== ALLOC_FAIL;
  }

  protected override publish(page: PagePtr, data: number): boolean {
    const { memory } = this;
    for (;;) {
      const old = memory.readOnce(page + Page.memcgData);
      if (old !== 0 && old !== ALLOC_FAIL) return false;
      if (memory.cmpxchg(page + Page.memcgData, old, data) === old) return true;
    }
  }
}
