/**
 * Flushing asks only CPUs that have a cpu slab, or, as the first posted fix had it, only those that
 * have both a slab and a partial list: the slabs of the others stay frozen there, and a cache
 * without objects cannot be destroyed.
 */
import { type Change, onSlub } from "../../kernel/classes.ts";
import {
  KmemCache,
  KmemCacheCpu,
  type KmemCacheCpuPtr,
  type KmemCachePtr,
} from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";

type HasSlab = (hasPage: boolean, hasPartial: boolean) => boolean;

function withTest(hasSlab: HasSlab): Change {
  return onSlub((classes) => ({
    CpuSlabFront: class extends classes.CpuSlabFront {
      protected override hasCpuSlab(s: KmemCachePtr, cpu: number): boolean {
        const { memory } = this;
        const c: KmemCacheCpuPtr = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu);
        return hasSlab(
          memory.readOnce(c + KmemCacheCpu.page) !== 0,
          memory.readOnce(c + KmemCacheCpu.partial) !== 0,
        );
      }
    },
  }));
}

export const R21: Mutation = {
  id: "R21",
  title: "slub: missing test for partial pages flush work in flush_all",
  commit: "02e1a9cd1eaf",
  year: 2012,
  expect: ["leaked-page"],
  change: withTest((hasPage) => hasPage),
};

export const R21b: Mutation = {
  ...R21,
  id: "R21b",
  title: "the same, as first posted: `page && partial`",
  change: withTest((hasPage, hasPartial) => hasPage && hasPartial),
};
