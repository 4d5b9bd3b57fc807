// SPDX-License-Identifier: GPL-2.0-only
/**
 * SLAB_FREELIST_RANDOM (Linux 4.7): a cache has a random permutation of a slab's objects, and a new
 * slab hands them out in that order, from a random place in it on. A slab made before the cache has
 * one is shuffled by itself.
 */
import { ENOMEM } from "../../caches/errno.ts";
import type { Memory } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import type { SlabClasses } from "../kernels.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";

export function withRandomIndexes(classes: SlabClasses): Partial<SlabClasses> {
  return {
    IndexArray: class extends classes.IndexArray {
      protected override order(s: KmemCachePtr): number[] {
        const { memory } = this;
        const count = memory.read32(s + KmemCache.num);
        const sequence = memory.read32(s + KmemCache.randomSeq);
        if (sequence === 0) return shuffled(memory, count);
        const start = (memory.random() >>> 0) % count;
        return Array.from({ length: count }, (_, i) =>
          memory.read32(sequence + (((start + i) % count) << 2)),
        );
      }
    },
    Tuning: class extends classes.Tuning {
      override enable(s: KmemCachePtr, gfp: number): number {
        return this.createSequence(s, gfp) ? super.enable(s, gfp) : -ENOMEM;
      }

      /** cache_random_seq_create */
      private createSequence(s: KmemCachePtr, gfp: number): boolean {
        const { memory } = this;
        const count = memory.read32(s + KmemCache.num);
        if (count < 2 || memory.read32(s + KmemCache.randomSeq) !== 0) return true;
        const sequence = this.nodeSetup.storage.kmallocNode(4 * count, gfp, NUMA_NO_NODE);
        if (sequence === 0) return false;
        for (const [i, object] of shuffled(memory, count).entries()) {
          memory.write32(sequence + (i << 2), object);
        }
        memory.write32(s + KmemCache.randomSeq, sequence);
        return true;
      }
    },
    CacheLifetime: class extends classes.CacheLifetime {
      override release(s: KmemCachePtr): void {
        const sequence = this.memory.read32(s + KmemCache.randomSeq);
        super.release(s);
        this.context.common.kfree(sequence);
      }
    },
  };
}

/** freelist_randomize: a permutation of 0..count-1, by Fisher and Yates. */
function shuffled(memory: Memory, count: number): number[] {
  const list = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = (memory.random() >>> 0) % (i + 1);
    [list[i], list[j]] = [list[j] as number, list[i] as number];
  }
  return list;
}
