import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R32 as mutation } from "../mutations/r32-reaper-wanders.ts";
import { slabReap } from "../scenarios/slab-reap.ts";

export const R32: Exhibit = exhibitOf(mutation, {
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "The reaper's next pass was queued without saying on which CPU.",
    "It ends up on another, and the queues of the one it came from are never reclaimed.",
    "It is queued on the CPU that it ran on.",
  ],
  scenario: slabReap,
  class: "leaked-page",
  preemptions: 0,
});
