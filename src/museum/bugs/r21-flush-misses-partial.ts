// SPDX-License-Identifier: GPL-2.0-only
import { type Change, onSlub } from "../../kernel/classes.ts";
import { partialElsewhere } from "../../laboratory/scenarios/partial-elsewhere.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

/** Flushing asks only the CPUs that pass the test. */
export function asking(test: (hasPage: boolean, hasPartial: boolean) => boolean): Change {
  return onSlub((classes) => ({
    CpuSlabFront: class extends classes.CpuSlabFront {
      protected override hasCpuSlab(s: KmemCachePtr, cpu: number): boolean {
        const { memory } = this;
        const c = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu);
        return test(
          memory.readOnce(c + KmemCacheCpu.page) !== 0,
          memory.readOnce(c + KmemCacheCpu.partial) !== 0,
        );
      }
    },
  }));
}

export const R21 = bug({
  id: "R21",
  title: "slub: missing test for partial pages flush work in flush_all",
  commit: "02e1a9cd1eaf",
  year: 2012,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "0",
  story: [
    "flush_all asked only the CPUs that have a cpu slab.",
    "A CPU that has only a partial list keeps it, and a cache without objects cannot be destroyed.",
    "flush_all looks at the partial list as well.",
  ],
  expect: ["leaked-page"],
  change: asking((hasPage) => hasPage),
  retypes: { "CpuSlabFront.hasCpuSlab": "a9d6c99b" },
  scenario: partialElsewhere,
  class: "leaked-page",
  preemptions: 0,
});
