import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S03 as mutation } from "../mutations/s03-tid-last.ts";
import { interruptFree } from "../scenarios/interrupt-free.ts";

export const S03: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "S",
  story: [
    "tid is read after the slab was compared instead of before.",
    "If the CPU gives that slab up in between, the tid is fresh and the swap succeeds on another slab's list, or on nobody's.",
    "Read first what guards the rest.",
  ],
  scenario: interruptFree,
  class: "lost-object",
  preemptions: 1,
});
