import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R34 as mutation } from "../mutations/r34-count-before-lock.ts";
import { slabSharedDrain } from "../scenarios/slab-shared-drain.ts";

export const R34: Exhibit = exhibitOf(mutation, {
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "How many objects to drain was decided before the lock was taken, which is right for a CPU's own array.",
    "From the shared one another CPU takes objects in between; entries that are gone are freed.",
    "Everything happens under the lock.",
  ],
  scenario: slabSharedDrain,
  class: "use-after-free",
  preemptions: 1,
});
