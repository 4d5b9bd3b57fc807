import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R22 as mutation } from "../mutations/r22-marked-outside-lock.ts";
import { validateFree } from "../scenarios/validate-free.ts";

export const R22: Exhibit = exhibitOf(mutation, {
  verification: "V3",

  needs: "X",
  story: [
    "A freed object of a debug cache was marked as free, and list_lock dropped before it was listed.",
    "A validation in between finds it marked free and on no list, and reports a healthy cache.",
    "The lock is held from the check to the listing, and caches without debugging are not validated.",
  ],
  scenario: validateFree,
  class: "redzone",
  preemptions: 1,
});
