import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R10 as mutation } from "../mutations/r10-overwritten-cpu-slab.ts";
import { twoAllocations } from "../scenarios/two-allocations.ts";

export const R10: Exhibit = exhibitOf(mutation, {
  verification: "U",
  isIdUnconfirmed: true,
  needs: "S",
  story: [
    "While a new slab was asked for, interrupts were on.",
    "Another allocation of the same CPU has installed a slab meanwhile, and the first one installs its own over it.",
    "Whatever slab the CPU has by then is flushed first.",
  ],
  scenario: twoAllocations,
  class: "stuck-frozen-slab",
  preemptions: 1,
});
