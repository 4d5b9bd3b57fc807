// SPDX-License-Identifier: GPL-2.0-only
/**
 * CONFIG_DEBUG_SLAB: every cache is red-zoned, poisoned and remembers last users as far as it can
 * afford, queues are short, so that damage is soon seen, and more is counted. The checks are in
 * debug/object-checks.ts; here they are hooked in. The queues hold buffers, users get objects.
 */
import { SLAB_POISON } from "../../caches/flags.ts";
import type { SlabCommon } from "../../caches/slab-common.ts";
import type { Address } from "../../machine/memory.ts";
import { __GFP_ZERO } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { ObjectChecks } from "../debug/object-checks.ts";
import { OutOfMemory } from "../debug/out-of-memory.ts";
import { POISON_FREE } from "../debug/poison.ts";
import { DEBUG_LIMIT, queueSizes } from "../geometry.ts";
import type { SlabClasses } from "../kernels.ts";
import type { SlabParts } from "../parts.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { withSlabStatistics } from "./statistics.ts";

export function withSlabDebugging(plain: SlabClasses): Partial<SlabClasses> {
  const statistics = withSlabStatistics(plain);
  const classes: SlabClasses = { ...plain, ...statistics };
  return {
    ...statistics,
    Allocator: debuggedSlab(classes),
    IndexArray: class extends classes.IndexArray {
      /** The array lay in the object that is handed out last, over its poison. */
      override becameFull(s: KmemCachePtr, page: PagePtr): void {
        const holder = this.memory.read32(page + Page.freelist);
        super.becameFull(s, page);
        const wasInObject = this.memory.read32(page + Page.freelist) === 0;
        if (!wasInObject || (this.memory.read32(s + KmemCache.flags) & SLAB_POISON) === 0) return;
        const buffer = holder - this.memory.read32(s + KmemCache.objOffset);
        new ObjectChecks({ context: this.context, indexes: this }).poison(s, buffer, POISON_FREE);
      }
    },
    Grow: class extends classes.Grow {
      protected override setUpObjects(s: KmemCachePtr, page: PagePtr): boolean {
        const checks = new ObjectChecks({ context: this.context, indexes: this.indexes });
        return this.everyObject(s, page, (buffer) => checks.initObject(s, buffer));
      }
    },
    SlabPages: class extends classes.SlabPages {
      private readonly outOfMemory = new OutOfMemory(this.context);

      override getPages(s: KmemCachePtr, gfp: number, nid: number): PagePtr {
        const page = super.getPages(s, gfp, nid);
        if (page === 0) {
          const allocflags = this.memory.read32(s + KmemCache.allocflags);
          this.outOfMemory.report(s, (gfp & ~__GFP_ZERO) | allocflags, nid);
        }
        return page;
      }

      override destroy(s: KmemCachePtr, page: PagePtr): void {
        // The index array has served; an object that held it is poisoned again.
        this.indexes.becameFull(s, page);
        new ObjectChecks({ context: this.context, indexes: this.indexes }).destroyed(s, page);
        super.destroy(s, page);
      }
    },
    CacheLifetime: class extends classes.CacheLifetime {
      protected override readonly config = ["DEBUG_SLAB"] as const;
    },
    Tuning: class extends classes.Tuning {
      protected override defaults(s: KmemCachePtr): ReturnType<typeof queueSizes> {
        const size = this.memory.read32(s + KmemCache.size);
        return queueSizes(size, this.context.machine.options.cpus, DEBUG_LIMIT);
      }
    },
  };
}

function debuggedSlab(classes: SlabClasses): typeof classes.Allocator {
  return class extends classes.Allocator {
    private readonly checks: ObjectChecks;

    constructor(common: SlabCommon, parts: SlabParts) {
      super(common, parts);
      this.checks = new ObjectChecks(this);
    }

    override slabAllocNode(s: KmemCachePtr, gfp: number, node: number): Address {
      const buffer = super.slabAllocNode(s, gfp & ~__GFP_ZERO, node);
      return buffer === 0 ? 0 : this.handOut(s, gfp, buffer);
    }

    private handOut(s: KmemCachePtr, gfp: number, buffer: Address): Address {
      const object = this.checks.allocated(s, buffer);
      if (object === 0) {
        this.slabFree(s, this.context.pages.virtToHeadPage(buffer), this.checks.start(s, buffer));
        return 0;
      }
      if ((gfp & __GFP_ZERO) !== 0) this.zero(s, object);
      return object;
    }

    override slabFree(s: KmemCachePtr, page: PagePtr, object: Address): void {
      super.slabFree(s, page, this.checks.freed(s, page, object));
    }

    override allocBulk(s: KmemCachePtr, gfp: number, size: number, p: Address[]): number {
      const got = super.allocBulk(s, gfp & ~__GFP_ZERO, size, p);
      for (let i = 0; i < got; i++) {
        p[i] = this.handOut(s, gfp, p[i] as Address);
        if (p[i] === 0) return this.takeBack(s, i, got, p);
      }
      return got;
    }

    /** Of a bulk, a constructor has failed: `at` objects were handed out, and the last are buffers yet. */
    private takeBack(s: KmemCachePtr, at: number, got: number, p: readonly Address[]): number {
      for (let i = 0; i < got; i++) {
        const object = p[i] as Address;
        const page = this.context.pages.virtToHeadPage(object);
        if (i < at) this.slabFree(s, page, object);
        else if (i > at) super.slabFree(s, page, object);
      }
      return 0;
    }

    /**
     * One by one, so that nothing is marked as free and yet not freed when a later one is refused.
     */
    override freeBulk(s: KmemCachePtr, size: number, p: Address[]): void {
      for (let i = 0; i < size; i++) {
        const object = p[i] as Address;
        const page = this.context.pages.virtToHeadPage(object);
        const owner = this.bulk.ownerOf(s, page);
        if (owner === 0) super.freeBulk(s, 1, [object]);
        else super.slabFree(owner, page, this.checks.freed(owner, page, object));
      }
    }
  };
}
