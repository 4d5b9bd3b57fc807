import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R20 as mutation } from "../mutations/r20-discard-under-lock.ts";
import { drainEmptySlab } from "../scenarios/drain-empty-slab.ts";

export const R20: Exhibit = exhibitOf(mutation, {
  verification: "V3",

  needs: "0",
  story: [
    "Draining the cpu partial list gave empty slabs back with list_lock held.",
    "Giving pages back may allocate and free, and then wants the same lock.",
    "The slabs are collected and given back after the lock is dropped.",
  ],
  scenario: drainEmptySlab,
  class: "deadlock",
  preemptions: 0,
});
