import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S11 as mutation } from "../mutations/s11-no-compare.ts";
import { oneSlabTwoFrees } from "../scenarios/one-slab-two-frees.ts";

export const S11: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "X",
  story: [
    "A free that found its slab full stores the new state without comparing.",
    "Of two such frees one object is overwritten.",
    "Compare and swap.",
  ],
  scenario: oneSlabTwoFrees,
  class: "counter-drift",
  preemptions: 1,
});
