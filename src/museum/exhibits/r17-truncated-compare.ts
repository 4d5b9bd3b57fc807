import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R17 as mutation } from "../mutations/r17-truncated-compare.ts";
import { freeAndTake } from "../scenarios/free-and-take.ts";

export const R17: Exhibit = exhibitOf(mutation, {
  verification: "V2",

  needs: "X",
  story: [
    "arm64 returned the difference of a double-word comparison as an int.",
    "A difference in the upper half was lost, and a swap succeeded though the counters had changed.",
    "The return type was widened.",
  ],
  scenario: freeAndTake,
  class: "list-corruption",
  preemptions: 1,
});
