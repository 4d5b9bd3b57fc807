import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R21 as mutation } from "../mutations/r21-flush-misses-partial.ts";
import { partialElsewhere } from "../scenarios/partial-elsewhere.ts";

export const R21: Exhibit = exhibitOf(mutation, {
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "0",
  story: [
    "flush_all asked only CPUs that have a cpu slab.",
    "A CPU that has nothing but a partial list keeps it, and a cache without objects cannot be destroyed.",
    "The list is asked for as well.",
  ],
  scenario: partialElsewhere,
  class: "leaked-page",
  preemptions: 0,
});
