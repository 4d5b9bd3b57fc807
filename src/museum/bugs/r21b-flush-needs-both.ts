/**
 * Flushing asks only CPUs that have a cpu slab, or, as the first posted fix had it, only those that
 * have both a slab and a partial list: the slabs of the others stay frozen there, and a cache
 * without objects cannot be destroyed.
 */
import { onSlub } from "../../kernel/classes.ts";
import { partialElsewhere } from "../../laboratory/scenarios/partial-elsewhere.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const R21b = bug({
  id: "R21b",
  title: "the same, as first posted: `page && partial`",
  commit: "02e1a9cd1eaf",
  year: 2012,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "0",
  story: [
    "The first fix that was posted for R21 joined the two tests by `and`.",
    "Now a CPU is asked only if it has both a slab and a partial list.",
    "`or` it was to be.",
  ],
  expect: ["leaked-page"],
  change: onSlub((classes) => ({
    Deactivation: class extends classes.Deactivation {
      protected override hasCpuSlab(s: KmemCachePtr, cpu: number): boolean {
        const { memory } = this;
        const c = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu);
        return (
          memory.readOnce(c + KmemCacheCpu.page) !== 0 &&
          memory.readOnce(c + KmemCacheCpu.partial) !== 0
        );
      }
    },
  })),
  retypes: { "Deactivation.hasCpuSlab": "450d57d1" },
  scenario: partialElsewhere,
  class: "leaked-page",
  preemptions: 0,
});
