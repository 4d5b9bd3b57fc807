// SPDX-License-Identifier: GPL-2.0-only
/**
 * A system with memory groups: what a program's calls allocate in a group's task is charged to the
 * group. Linux 4.1 charges all of it by itself; since 4.5 an allocation says so (GFP_KERNEL_ACCOUNT).
 */
import { ZERO_SIZE_PTR } from "../caches/kmalloc-sizes.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { Groups } from "../caches/memcg/groups.ts";
import type { Address } from "../machine/memory.ts";
import { __GFP_ACCOUNT, GFP_KERNEL } from "../pages/gfp.ts";
import { Page } from "../pages/page.ts";
import { System } from "./system.ts";

export class GroupSystem extends System {
  get groups(): Groups {
    return this.common.groups as Groups;
  }

  private accounted(gfp: number): number {
    return this.groups.current === 0 ? gfp : gfp | __GFP_ACCOUNT;
  }

  override kmallocNode(size: number, gfp: number, node: number): Address {
    return super.kmallocNode(size, this.accounted(gfp), node);
  }

  override kmemCacheAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
    return super.kmemCacheAllocNode(s, this.accounted(gfp), node);
  }

  override kmemCacheAllocBulk(
    s: KmemCachePtr,
    size: number,
    p: Address[],
    gfp = GFP_KERNEL,
  ): number {
    return super.kmemCacheAllocBulk(s, size, p, this.accounted(gfp));
  }

  override allocFromSheaf(s: KmemCachePtr, sheaf: Address, gfp = GFP_KERNEL): Address {
    const object = super.allocFromSheaf(s, sheaf, gfp);
    // It was promised, and is charged whatever the limit is.
    if (object !== 0) this.groups.chargeGiven(s, object, this.accounted(gfp));
    return object;
  }

  override kfreeNolock(object: Address): void {
    const page = this.pages.virtToHeadPage(object);
    const s = object > ZERO_SIZE_PTR ? this.memory.read32(page + Page.slabCache) : 0;
    if (s !== 0) this.groups.freed(s, page, object);
    super.kfreeNolock(object);
  }

  /** cache_from_obj: an object of a child may be given to its root. */
  override kmemCacheFree(s: KmemCachePtr, object: Address): void {
    const page = this.pages.virtToHeadPage(object);
    const owner = this.memory.read32(page + Page.slabCache);
    const isChild = s !== 0 && owner !== 0 && owner !== s && this.groups.rootOf(owner) === s;
    super.kmemCacheFree(isChild ? owner : s, object);
  }
}

/** The groups of a system that is booted with them. @throws RangeError for another. */
export function groupsOf(system: System): Groups {
  if (system.common.groups !== undefined) return system.common.groups;
  throw new RangeError("this machine has no memory groups; boot with groups: true");
}
