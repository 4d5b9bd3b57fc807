/**
 * A cache that is to keep no slabs: cpu_partial and min_partial are set to 0, then every CPU is
 * flushed. A free that pushes its slab after the flush must look at the limit once more and drain
 * itself; and "has enough" must include having as many as wanted, or one empty slab stays for good.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../../slub/structs.ts";
import { KmemCache } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R40: Mutation = {
  id: "R40",
  title:
    "slub: make dead caches discard free slabs immediately (no look at cpu_partial after a push)",
  commit: "d6e0b7fa1186",
  year: 2015,
  expect: ["leaked-page"],
  change: onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override keepsNone(): boolean {
        return false;
      }
    },
  })),
};

export const R40b: Mutation = {
  id: "R40b",
  title: "slub: fix off by one in number of slab tests",
  commit: "8a5b20aebaa3",
  year: 2014,
  expect: ["leaked-page"],
  change: onSlub((classes) => ({
    NodePartial: class extends classes.NodePartial {
      override hasEnough(s: KmemCachePtr, n: KmemCacheNodePtr): boolean {
        return this.nrPartial(n) > this.memory.readOnce(s + KmemCache.minPartial);
      }
    },
  })),
};
