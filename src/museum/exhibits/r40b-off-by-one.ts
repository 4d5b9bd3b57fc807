import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R40b as mutation } from "../mutations/r40-dead-cache.ts";
import { minPartialZero } from "../scenarios/min-partial-zero.ts";

export const R40b: Exhibit = exhibitOf(mutation, {
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "0",
  story: [
    "Whether a node has enough slabs was asked with `more than` the limit.",
    "With a limit of 0 one empty slab stays for good.",
    "`At least` the limit.",
  ],
  scenario: minPartialZero,
  class: "leaked-page",
  preemptions: 0,
});
