// SPDX-License-Identifier: GPL-2.0-only
/** An allocator with KFENCE: now and then an object comes from its pool, and goes back there. */
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { Pages } from "../../pages/pages.ts";
import type { Allocator, SheafCalls } from "../allocator.ts";
import type { AllocatorClass } from "../allocator-class.ts";
import type { KmemCachePtr } from "../kmem-cache.ts";
import { withSheafCalls } from "../sheaf-calls.ts";
import type { SlabCommon } from "../slab-common.ts";
import { Kfence, type KfenceSettings } from "./kfence.ts";
import type { KfencePool } from "./pool.ts";

type WholeAllocatorClass = new (
  ...args: ConstructorParameters<AllocatorClass>
) => Allocator & { sheafCalls?: SheafCalls };

export const withKfenceObjects =
  (settings: KfenceSettings) =>
  <C extends AllocatorClass>(Base: C): C => {
    return class extends (Base as unknown as WholeAllocatorClass) {
      declare private readonly kfence: Kfence;
      declare private readonly kfencePages: Pages;

      // biome-ignore lint/suspicious/noExplicitAny: whatever the extended class takes
      constructor(common: SlabCommon, ...parts: any[]) {
        super(common, ...parts);
        this.kfence = new Kfence(common, settings);
        this.kfencePages = common.pages;
        common.kfence = this.kfence;
        common.machine.checker = this.kfence;
        if (this.sheafCalls !== undefined) {
          const free = (s: KmemCachePtr, object: Address) =>
            this.slabFree(s, common.pages.virtToHeadPage(object), object);
          this.sheafCalls = withKfenceSheaves(this.sheafCalls, this.kfence.pool, free);
        }
      }

      override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
        const object = this.kfence.alloc(s, gfp);
        return object === 0 ? super.slabAllocNode(s, gfp, node) : object;
      }

      /** One of the objects at most is KFENCE's, and counts for all. */
      override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
        const object = this.kfence.alloc(s, gfp);
        if (object === 0) return super.allocBulk(s, gfp, size, p);
        if (size > 1 && super.allocBulk(s, gfp, size - 1, p) === 0) {
          this.kfence.free(object);
          return 0;
        }
        p[size - 1] = object;
        return size;
      }

      override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
        if (this.kfence.pool.has(object)) this.kfence.free(object);
        else super.slabFree(s, page, object);
      }

      override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
        const { kfence } = this;
        let left = 0;
        for (let i = 0; i < size; i++) {
          const object = p[i] as Address;
          if (kfence.pool.has(object)) kfence.free(object);
          else p[left++] = object;
        }
        if (left > 0) super.freeBulk(s, left, p);
      }

      override shutdown(s: KmemCachePtr): boolean {
        const isShut = super.shutdown(s);
        if (isShut) this.kfence.shutdownCache(s);
        return isShut;
      }

      /** set_orig_size: KFENCE knows better. */
      override noteRequested(s: KmemCachePtr, object: Address, size: number): void {
        if (!this.kfence.pool.has(object)) super.noteRequested?.(s, object, size);
      }

      override requestedSize(s: KmemCachePtr, object: Address): number {
        if (this.kfence.pool.has(object)) return this.kfence.sizeOf(object);
        return super.requestedSize?.(s, object) ?? this.slabKsize(s);
      }

      /** Each is alone in its slab. The byte before another slab may be in the pool. */
      override objToIndex(s: KmemCachePtr, page: PagePtr, object: Address): number {
        const isInPool = this.kfence.pool.has(this.kfencePages.pageAddress(page));
        return isInPool ? 0 : super.objToIndex(s, page, object);
      }

      override heapObjectError(
        s: KmemCachePtr,
        page: PagePtr,
        address: Address,
        length: number,
      ): string | undefined {
        const { kfence } = this;
        if (!kfence.pool.has(address)) return super.heapObjectError(s, page, address, length);
        return kfence.heapObjectError(s, address, length);
      }
    } as unknown as C;
  };

/** No sheaf takes an object of the pool. */
function withKfenceSheaves(
  calls: SheafCalls,
  pool: KfencePool,
  free: (s: KmemCachePtr, object: Address) => void,
): SheafCalls {
  return withSheafCalls(calls, {
    kfreeRcu: (s, object) => !pool.has(object) && calls.kfreeRcu(s, object),
    freeNolock: (s, object) => {
      if (pool.has(object)) free(s, object);
      else calls.freeNolock(s, object);
    },
  });
}
