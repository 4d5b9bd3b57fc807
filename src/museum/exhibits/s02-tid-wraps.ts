import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S02 as mutation } from "../mutations/s02-short-tid.ts";
import { tidWrap } from "../scenarios/tid-wrap.ts";

export const S02: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "S",
  story: [
    "A tid of three bits comes round after eight operations.",
    "An interrupt that makes exactly eight, and leaves the same head, is not noticed: ABA again.",
    "26 bits take 67 million operations.",
  ],
  scenario: tidWrap,
  class: "double-allocation",
  preemptions: 1,
});
