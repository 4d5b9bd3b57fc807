import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R02 as mutation } from "../mutations/r02-bulk-no-bump.ts";
import { twoTasksBulk } from "../scenarios/two-tasks-bulk.ts";

export const R02: Exhibit = exhibitOf(mutation, {
  era: "seed",
  verification: "V3",

  needs: "S",
  story: [
    "Bulk allocation pops by plain stores and bumped tid only at the end.",
    "Where it has to ask for a new slab in the middle, interrupts go on, and a preempted free finds the tid it knows and an empty list.",
    "tid is bumped before the slow path is entered; the fix of R01 would have closed the hole as well, so it shows in the older era only.",
  ],
  scenario: twoTasksBulk,
  class: "lost-object",
  preemptions: 2,
});
