import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R12 as mutation } from "../mutations/r12-goes-on-after-race.ts";
import { freeGetPartial } from "../scenarios/free-get-partial.ts";

export const R12: Exhibit = exhibitOf(mutation, {
  verification: "V3",

  needs: "X",
  story: [
    "A search for partial slabs ended at the first one that a remote free had changed under it.",
    "Going on with the rest was meant to make fewer new slabs.",
    "It cost so much under contention that it was reverted: no check fails, only a benchmark.",
  ],
  scenario: freeGetPartial,
  class: null,
  preemptions: 2,
});
