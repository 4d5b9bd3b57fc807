import { withVectors } from "../bases.ts";
import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R35 as mutation } from "../mutations/r35-release-under-lock.ts";
import { slabNodesCross } from "../scenarios/slab-nodes-cross.ts";

export const R35: Exhibit = exhibitOf(mutation, {
  base: withVectors,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "Slabs that became empty on their way home were destroyed with alien lock and list_lock held.",
    "What a destroyed slab held is freed, too, which may want the other node's list_lock: two nodes that send each other's objects home wait for each other.",
    "Slabs are collected and destroyed after the locks are dropped.",
  ],
  scenario: slabNodesCross,
  class: "deadlock",
  preemptions: 1,
});
