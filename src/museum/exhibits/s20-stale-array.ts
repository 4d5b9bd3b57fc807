import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S20 as mutation } from "../mutations/s20-stale-array.ts";
import { slabMigrationGrow } from "../scenarios/slab-migration-grow.ts";

export const S20: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "M",
  story: [
    "After a new slab was asked for, which may sleep, the array that was looked up before is used.",
    "The task has moved to another CPU meanwhile, and works on an array that is not its own.",
    "The array is looked up again.",
  ],
  scenario: slabMigrationGrow,
  class: "double-allocation",
  preemptions: 2,
});
