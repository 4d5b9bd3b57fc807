import { onSlub } from "../../kernel/classes.ts";
import { twoTasksBulk } from "../../laboratory/scenarios/two-tasks-bulk.ts";
import { seedEra } from "../../slub/cpu-slab/era-seed.ts";
import { bug } from "../exhibit.ts";

/** Only the era of R01 has the hole: the fix of R01 closes this one as well. */
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
