import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R08 as mutation } from "../mutations/r08-split-push.ts";
import { twoFullSlabs } from "../scenarios/two-full-slabs.ts";

export const R08: Exhibit = exhibitOf(mutation, {
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "S",
  story: [
    "The push on the cpu partial list used the generic this_cpu_cmpxchg, which only had preemption off.",
    "An interrupt pushes another slab between compare and store; that slab is dropped, frozen and nobody's.",
    "A variant that is safe against interrupts; on x86, where it is one instruction, nobody had noticed.",
  ],
  scenario: twoFullSlabs,
  class: "stuck-frozen-slab",
  preemptions: 1,
});
