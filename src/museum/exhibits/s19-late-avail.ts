import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S19 as mutation } from "../mutations/s19-late-avail.ts";
import { slabInterruptAlloc } from "../scenarios/slab-interrupt-alloc.ts";

export const S19: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "S",
  story: [
    "SLAB takes the object with interrupts off and tells its array after they are on again.",
    "An interrupt in between is handed the same object.",
    "Both belong under one pair of brackets.",
  ],
  scenario: slabInterruptAlloc,
  class: "double-allocation",
  preemptions: 1,
});
