/**
 * SLAB_FREELIST_RANDOM (Linux 4.8): a cache has a random permutation of a slab's objects; a new slab
 * is chained in that order, from a random place in it on. Slabs of a smaller order than preferred
 * leave out the objects they have no room for. Caches of the early boot get theirs at its end.
 */
import { SLAB_STATE } from "../../caches/kmem-cache.ts";
import type { Address } from "../../machine/memory.ts";
import { GFP_KERNEL } from "../../pages/gfp.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { SlubClasses } from "../classes.ts";
import { KmemCache, type KmemCachePtr, ooObjects } from "../structs.ts";

export function withRandomFreelists(classes: SlubClasses): SlubClasses {
  return {
    ...classes,
    SlabPages: class extends classes.SlabPages {
      protected override linkObjects(
        s: KmemCachePtr,
        page: PagePtr,
        start: Address,
        objects: number,
      ): Address {
        const { memory } = this;
        const sequence = memory.read32(s + KmemCache.randomSeq);
        if (sequence === 0 || objects < 2) return super.linkObjects(s, page, start, objects);
        const count = ooObjects(memory.read32(s + KmemCache.oo));
        const size = memory.read32(s + KmemCache.size);
        const base = start + memory.read32(s + KmemCache.redLeftPad);
        const limit = base + objects * size;
        let position = (memory.random() >>> 0) % count;
        let first = 0;
        let previous = 0;
        for (let i = 0; i < count; i++) {
          const object = base + memory.read32(sequence + (position << 2));
          position = (position + 1) % count;
          if (object >= limit) continue;
          this.setupObject(s, page, object);
          if (previous === 0) first = object;
          else this.freePointers.set(s, previous, object);
          previous = object;
        }
        this.freePointers.set(s, previous, 0);
        return first;
      }
    },
    CacheLifetime: class extends classes.CacheLifetime {
      override open(s: KmemCachePtr, flags: number): number {
        const error = super.open(s, flags);
        if (error === 0 && this.context.common.state >= SLAB_STATE.UP) this.shuffle(s);
        return error;
      }

      /** cache_random_seq_create: byte offsets, by Fisher and Yates. Without memory: no shuffling. */
      shuffle(s: KmemCachePtr): void {
        const { memory } = this;
        const count = ooObjects(memory.read32(s + KmemCache.oo));
        if (count < 2) return;
        const { allocator } = this.context.common;
        const cache = this.context.common.kmallocCache(
          allocator.kmallocIndexOf(Math.min(count * 4, 8192)),
        );
        const sequence = count * 4 <= 8192 ? allocator.slabAllocNode(cache, GFP_KERNEL, -1) : 0;
        if (sequence === 0) return;
        const size = memory.read32(s + KmemCache.size);
        for (let i = 0; i < count; i++) memory.write32(sequence + (i << 2), i * size);
        for (let i = count - 1; i > 0; i--) {
          const j = (memory.random() >>> 0) % (i + 1);
          const swapped = memory.read32(sequence + (i << 2));
          memory.write32(sequence + (i << 2), memory.read32(sequence + (j << 2)));
          memory.write32(sequence + (j << 2), swapped);
        }
        memory.write32(s + KmemCache.randomSeq, sequence);
      }

      override release(s: KmemCachePtr): void {
        const sequence = this.memory.read32(s + KmemCache.randomSeq);
        super.release(s);
        if (sequence === 0) return;
        const page = this.context.pages.virtToHeadPage(sequence);
        this.slub.slabFree(this.memory.read32(page + Page.slabCache), page, sequence);
      }
    },
    Bootstrap: class extends classes.Bootstrap {
      override kmemCacheInit(): void {
        super.kmemCacheInit();
        const { lifetime } = this.slub as unknown as { lifetime: { shuffle(s: number): void } };
        for (const s of this.context.common.caches()) lifetime.shuffle(s);
      }
    },
  };
}
