import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R04 as mutation } from "../mutations/r04-no-recheck.ts";
import { interruptEmpty } from "../scenarios/interrupt-empty.ts";

export const R04: Exhibit = exhibitOf(mutation, {
  verification: "V2",

  needs: "S",
  story: [
    "The slow path trusted what the fast path had seen: that the CPU's list is empty.",
    "Before interrupts were off, one of them frees an object to that very list; it is overwritten.",
    "The list is looked at once more with interrupts off.",
  ],
  scenario: interruptEmpty,
  class: "lost-object",
  preemptions: 1,
});
