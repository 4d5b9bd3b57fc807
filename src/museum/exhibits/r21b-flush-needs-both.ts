import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R21b as mutation } from "../mutations/r21-flush-misses-partial.ts";
import { partialElsewhere } from "../scenarios/partial-elsewhere.ts";

export const R21b: Exhibit = exhibitOf(mutation, {
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "0",
  story: [
    "The first fix that was posted for R21 joined the two tests by `and`.",
    "Now a CPU is asked only if it has both a slab and a partial list.",
    "`or` it was to be.",
  ],
  scenario: partialElsewhere,
  class: "leaked-page",
  preemptions: 0,
});
