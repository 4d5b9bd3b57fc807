import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R33 as mutation } from "../mutations/r33-alien-without-shared.ts";
import { slabAlienOffline } from "../scenarios/slab-alien-offline.ts";

export const R33: Exhibit = exhibitOf(mutation, {
  verification: "V1",

  needs: "X+hotplug",
  story: [
    "Objects sent home from another node were put in their node's shared array without asking whether it has one.",
    "When the last CPU of a node goes down it has none, and NULL is followed.",
    "It is tested under the lock.",
  ],
  scenario: slabAlienOffline,
  class: "bad-access",
  preemptions: 0,
});
