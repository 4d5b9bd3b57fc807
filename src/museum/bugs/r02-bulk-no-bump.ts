// SPDX-License-Identifier: GPL-2.0-only
import { inTurn, onSlub } from "../../kernel/classes.ts";
import { twoTasksBulk } from "../../laboratory/scenarios/two-tasks-bulk.ts";
import { seedEra } from "../../slub/cpu-slab/era-seed.ts";
import { bug } from "../exhibit.ts";

/** Harmless without the era of R01: the fix of R01 closes this hole as well. */
export const withoutBump = onSlub((classes) => ({
  Bulk: class extends classes.Bulk {
    protected override bumpBeforeSlowPath(): void {}
  },
}));

export const R02 = bug({
  id: "R02",
  title: "mm: slub: add missing TID bump in kmem_cache_alloc_bulk()",
  commit: "fd4d9c7d0c71",
  year: 2020,
  verification: "V3",
  era: "seed",
  needs: "S",
  story: [
    "Bulk allocation pops by plain stores and moved tid only at the end.",
    "A bulk allocation that needs a new slab enters the slow path, where interrupts are on; a preempted free then finds the tid it knows and an empty list.",
    "tid moves before the slow path is entered.",
  ],
  expect: ["lost-object", "double-allocation", "wrong-slab", "counter-drift", "use-after-free"],
  change: inTurn(onSlub(seedEra), withoutBump),
  retypes: { "CpuSlab.drop": "258ba138" },
  scenario: twoTasksBulk,
  class: "lost-object",
  preemptions: 2,
});
