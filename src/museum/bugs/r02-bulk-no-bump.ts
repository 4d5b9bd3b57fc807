/**
 * Bulk allocation pops by plain stores and enters the slow path, where interrupts may go on, without
 * a new tid: an interrupted free finds the tid it knows and an empty list. Only the era of R01 has
 * the hole; its fix closes this one as well.
 */
import { onSlub } from "../../kernel/classes.ts";
import { twoTasksBulk } from "../../laboratory/scenarios/two-tasks-bulk.ts";
import { seedEra } from "../../slub/cpu-slab/era-seed.ts";
import { bug } from "../exhibit.ts";

export const R02 = bug({
  id: "R02",
  title: "mm: slub: add missing TID bump in kmem_cache_alloc_bulk()",
  commit: "fd4d9c7d0c71",
  year: 2020,
  verification: "V3",
  era: "seed",
  needs: "S",
  story: [
    "Bulk allocation pops by plain stores and bumped tid only at the end.",
    "Where it has to ask for a new slab in the middle, interrupts go on, and a preempted free finds the tid it knows and an empty list.",
    "tid is bumped before the slow path is entered; the fix of R01 would have closed the hole as well, so it shows in the older era only.",
  ],
  expect: ["lost-object", "double-allocation", "wrong-slab", "counter-drift", "use-after-free"],
  change: onSlub((classes) => ({
    ...seedEra(classes),
    Bulk: class extends classes.Bulk {
      protected override bumpBeforeSlowPath(): void {}
    },
  })),
  retypes: { "Deactivation.dropCpuSlab": "3bbf9d73" },
  scenario: twoTasksBulk,
  class: "lost-object",
  preemptions: 2,
});
