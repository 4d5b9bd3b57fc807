import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R01 as mutation } from "../mutations/r01-no-tid-bump.ts";
import { twoTasksDrop } from "../scenarios/two-tasks-drop.ts";

export const R01: Exhibit = exhibitOf(mutation, {
  verification: "V3",

  needs: "S",
  story: [
    "Where the slow path drops a used-up cpu slab it left tid as it was, from 2.6.39 until 2022.",
    "A free that was preempted after comparing the slab still finds its tid, and pushes its object on the list of a CPU that has no slab; the next slab overwrites it.",
    "Bumping tid wherever the cpu slab is dropped makes that swap fail.",
  ],
  scenario: twoTasksDrop,
  class: "lost-object",
  preemptions: 2,
});
