import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R39 as mutation } from "../mutations/r39-boot-without-flush.ts";
import { boot } from "../scenarios/boot.ts";

export const R39: Exhibit = exhibitOf(mutation, {
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "0",
  story: [
    "When the boot caches move to their final place, the slabs on the partial list are told.",
    "The slab that the CPU allocates from is on no list, and goes on naming the cache that is gone.",
    "The CPU is flushed first.",
  ],
  scenario: boot,
  class: "wrong-slab",
  preemptions: 0,
});
