import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R05 as mutation } from "../mutations/r05-null-page.ts";
import { flushInterrupt } from "../scenarios/flush-interrupt.ts";

export const R05: Exhibit = exhibitOf(mutation, {
  verification: "V3",

  needs: "S",
  story: [
    "The node of c->page was looked up before anything had validated that there is a page.",
    "A flush between two reads of the fast path empties the CPU's slab, and NULL is followed.",
    "A missing page goes to the slow path; the test was added in 2013, removed in 2019 and added again in 2020.",
  ],
  scenario: flushInterrupt,
  class: "bad-access",
  preemptions: 1,
});
