import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S01 as mutation } from "../mutations/s01-no-tid.ts";
import { interruptAlloc } from "../scenarios/interrupt-alloc.ts";

export const R07: Exhibit = exhibitOf(mutation, {
  id: "R07",
  title: 'Revert "SLUB: Alternate fast paths using cmpxchg_local"',
  commit: "00e962c5408b",
  year: 2008,
  verification: "V2",

  needs: "S",
  story: [
    "The first lockless fast path compared the list's head alone.",
    "An interrupt takes two objects and gives the first back: the head is the same, its next pointer is not, and an object in use goes out again.",
    "It was reverted; three years later head and tid were swapped as one, which is why there is a tid.",
  ],
  scenario: interruptAlloc,
  class: "double-allocation",
  preemptions: 1,
});
