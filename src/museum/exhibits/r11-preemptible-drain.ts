import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R11 as mutation } from "../mutations/r11-preemptible-drain.ts";
import { drainInterrupt } from "../scenarios/drain-interrupt.ts";

export const R11: Exhibit = exhibitOf(mutation, {
  verification: "V2",

  needs: "S",
  story: [
    "On a real-time kernel the cpu partial list was drained with only migration off.",
    "A free in the middle of the drain pushes on the list that is being emptied.",
    "Interrupts, or a local lock, are off around the whole of it.",
  ],
  scenario: drainInterrupt,
  class: "stuck-frozen-slab",
  preemptions: 1,
});
