import { withQueueChecks } from "../bases.ts";
import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R31 as mutation } from "../mutations/r31-no-grace-period.ts";
import { slabSharedGlance } from "../scenarios/slab-shared-glance.ts";

export const R31: Exhibit = exhibitOf(mutation, {
  base: withQueueChecks,
  verification: "V2",

  needs: "X",
  story: [
    "Refilling looks at the shared array without a lock, to see whether the lock is worth taking.",
    "If an array that was replaced is freed at once, that look goes to freed memory.",
    "It is freed after a grace period, since whoever looks has interrupts off.",
  ],
  scenario: slabSharedGlance,
  class: "use-after-free",
  preemptions: 1,
});
