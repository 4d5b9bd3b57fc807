import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S16 as mutation } from "../mutations/s16-discard-listed.ts";
import { emptyListedSlab } from "../scenarios/empty-listed-slab.ts";

export const S16: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "0",
  story: [
    "An empty slab is given back while it is on its node's list.",
    "The next search finds freed pages.",
    "Take it off the list first.",
  ],
  scenario: emptyListedSlab,
  class: "use-after-free",
  preemptions: 0,
});
