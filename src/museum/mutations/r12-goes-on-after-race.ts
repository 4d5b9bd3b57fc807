/**
 * A remote free in the middle of taking a listed slab makes the search go on instead of ending it.
 * Nothing breaks: fewer slabs are made, and under contention the list is fought for, which cost so
 * much that the change was reverted. The checks are silent; a benchmark speaks.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { Address } from "../../machine/memory.ts";
import { ALLOC_FROM_PARTIAL, CPU_PARTIAL_NODE } from "../../slub/statistics.ts";
import {
  KmemCache,
  type KmemCacheCpuPtr,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R12: Mutation = {
  id: "R12",
  title: "mm, slub: consider rest of partial list if acquire_slab() fails (8ff60eb052ee, reverted)",
  commit: "9b1ea29bc0d7",
  year: 2021,
  expect: [],
  change: onSlub((classes) => ({
    PartialSearch: class extends classes.PartialSearch {
      protected override getPartialNode(
        s: KmemCachePtr,
        n: KmemCacheNodePtr,
        c: KmemCacheCpuPtr,
      ): Address {
        const { memory } = this;
        const { nodePartial, cpuSlab, cpuPartial } = this.parts;
        if (n === 0 || nodePartial.nrPartial(n) === 0) return 0;
        let object: Address = 0;
        let available = 0;
        nodePartial.lock(n);
        for (const page of nodePartial.partialSlabs(n)) {
          const acquired =
            object === 0 ? this.acquireObjects(s, n, page) : this.acquireSlab(s, n, page);
          if (acquired.freelist === 0) continue;
          available += acquired.objects;
          if (object === 0) {
            object = acquired.freelist;
            cpuSlab.install(c, page);
            this.context.stat(s, ALLOC_FROM_PARTIAL);
          } else {
            cpuPartial.putLocked(s, page);
            this.context.stat(s, CPU_PARTIAL_NODE);
          }
          const enough = memory.readOnce(s + KmemCache.cpuPartial) >> 1;
          if (!this.context.hasCpuPartial(s) || available > enough) break;
        }
        nodePartial.unlock(n);
        return object;
      }
    },
  })),
};
