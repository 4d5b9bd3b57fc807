/**
 * A release that Linux never made: three classes exchanged over SLAB's table, one over SLUB's. It is
 * all that a new version takes, and it is loaded by path, as a mutation is.
 */
import { inTurn, onSlab, onSlub } from "../../src/kernel/classes.ts";
import type { Mutation } from "../../src/laboratory/mutation.ts";
import { oldestObjects } from "../../src/slab/array-cache.ts";
import { ArrayCache, type ArrayCachePtr, type KmemCachePtr } from "../../src/slab/structs.ts";
import type { SlubGeometry } from "../../src/slub/geometry.ts";

/** Classes of the new version whose code has run on this thread. */
export const ran = new Set<string>();

export const thirdVersion: Mutation = {
  id: "X03",
  title: "an invented release of both allocators",
  commit: null,
  year: null,
  expect: [],
  change: inTurn(
    onSlab((classes) => ({
      /** No slab is coloured. */
      Grow: class extends classes.Grow {
        protected override colourOffset(): number {
          ran.add("Grow");
          return 0;
        }
      },
      /** Objects of another node go home one by one. */
      AlienCaches: class extends classes.AlienCaches {
        override get inUse(): boolean {
          ran.add("AlienCaches");
          return false;
        }
      },
      /** A full array is flushed to the slabs; nothing goes to the shared array. */
      Flush: class extends classes.Flush {
        override flush(s: KmemCachePtr, ac: ArrayCachePtr): void {
          ran.add("Flush");
          const n = this.context.nodeOf(s, this.context.localNode());
          const batch = this.memory.read32(ac + ArrayCache.batchcount);
          this.lists.lock(n);
          const emptied = this.freeBlock.free(s, n, oldestObjects(this.memory, ac, batch));
          this.lists.unlock(n);
          this.leave(s, ac, batch, emptied);
        }
      },
    })),
    onSlub((classes) => ({
      /** CPUs keep no partial slabs beyond the one they get. */
      CacheLifetime: class extends classes.CacheLifetime {
        protected override setGeometry(s: KmemCachePtr, geometry: SlubGeometry): void {
          ran.add("CacheLifetime");
          super.setGeometry(s, { ...geometry, cpuPartial: 0 });
        }
      },
    })),
  ),
};
