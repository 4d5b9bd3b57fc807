// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB_FREELIST_RANDOM (Linux 4.8): a cache has a random permutation of a slab's objects; a new slab
 * is chained in that order, from a random place on. A slab of a smaller order than preferred leaves
 * out the objects it has no room for. The caches of the early boot get their permutation at its end.
 */
import type { SheafArgs } from "../../caches/allocator.ts";
import { SLAB_STATE } from "../../caches/kmem-cache.ts";
import type { Address } from "../../machine/memory.ts";
import type { LayerParts } from "../parts.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr, ooObjects } from "../structs.ts";

/** Bytes, a word an object. Caches with more objects a slab are not shuffled. */
const LARGEST_SEQUENCE = 8192;

/** cache_random_seq_create: byte offsets, by Fisher and Yates. Without memory: no shuffling. */
function shuffle({ common, memory }: SlubContext, s: KmemCachePtr): void {
  const count = ooObjects(memory.read32(s + KmemCache.oo));
  if (count < 2 || count * 4 > LARGEST_SEQUENCE) return;
  const sequence = common.kmalloc(count * 4);
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

export function withRandomFreelists(classes: LayerParts): Partial<LayerParts> {
  return {
    SlabPages: class extends classes.SlabPages {
      protected override linkObjects(s: KmemCachePtr, start: Address, objects: number): Address {
        const { memory } = this;
        const { freePointers } = this.parts;
        const sequence = memory.read32(s + KmemCache.randomSeq);
        if (sequence === 0 || objects < 2) return super.linkObjects(s, start, objects);
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
          if (!this.setupObject(s, object)) return 0;
          if (previous === 0) first = object;
          else freePointers.set(s, previous, object);
          previous = object;
        }
        freePointers.set(s, previous, 0);
        return first;
      }
    },
    CacheLifetime: class extends classes.CacheLifetime {
      override open(s: KmemCachePtr, flags: number, args?: SheafArgs): number {
        const error = super.open(s, flags, args);
        if (error === 0 && this.context.common.state >= SLAB_STATE.UP) shuffle(this.context, s);
        return error;
      }

      override release(s: KmemCachePtr): void {
        const sequence = this.memory.read32(s + KmemCache.randomSeq);
        super.release(s);
        this.context.common.kfree(sequence);
      }
    },
    Bootstrap: class extends classes.Bootstrap {
      override kmemCacheInit(): void {
        super.kmemCacheInit();
        for (const s of this.context.common.caches()) shuffle(this.context, s);
      }
    },
  };
}
