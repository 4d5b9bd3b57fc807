import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S12 as mutation } from "../mutations/s12-publish-before-link.ts";
import { remoteFreeRefill } from "../scenarios/remote-free-refill.ts";

export const S12: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "X",
  story: [
    "A freed object becomes the head of the list before it is linked to the rest.",
    "Another CPU takes the list in between and follows the pointer of an earlier life, to objects in use.",
    "Link first, publish then.",
  ],
  scenario: remoteFreeRefill,
  class: "double-allocation",
  preemptions: 1,
});
