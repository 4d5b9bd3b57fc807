import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S15 as mutation } from "../mutations/s15-plain-push.ts";
import { twoFullSlabs } from "../scenarios/two-full-slabs.ts";

export const S15: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "S",
  story: [
    "A plain store pushes on the cpu partial list.",
    "What an interrupt has pushed since the head was read is dropped.",
    "Compare and swap, against interrupts as well.",
  ],
  scenario: twoFullSlabs,
  class: "stuck-frozen-slab",
  preemptions: 1,
});
