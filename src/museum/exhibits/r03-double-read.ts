import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R03 as mutation } from "../mutations/r03-double-read.ts";
import { twoTasksBulk } from "../scenarios/two-tasks-bulk.ts";

export const R03: Exhibit = exhibitOf(mutation, {
  verification: "V3",

  needs: "S",
  story: [
    "A free read the list's head twice: once for the link, once to compare.",
    "What comes in between is caught by tid, so nothing fails, however long one searches.",
    "It is a second line of defence behind a fix like R02's: the exhibit that must stay clean.",
  ],
  scenario: twoTasksBulk,
  class: null,
  preemptions: 3,
});
