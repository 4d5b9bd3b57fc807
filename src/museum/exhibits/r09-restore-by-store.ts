import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R09 as mutation } from "../mutations/r09-restore-by-store.ts";
import { freeGetPartial } from "../scenarios/free-get-partial.ts";

export const R09: Exhibit = exhibitOf(mutation, {
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "Every slab taken from a node's list had its free list taken, too, and put back where it only went to the cpu partial list.",
    "Another CPU frees into it in between, and the plain store that puts the old list back wipes that out.",
    "The list stays where it is unless it is wanted.",
  ],
  scenario: freeGetPartial,
  class: "counter-drift",
  preemptions: 1,
});
