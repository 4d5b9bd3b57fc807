import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R18 as mutation } from "../mutations/r18-slab-lock-irqs-on.ts";
import { slabLockInterrupt } from "../scenarios/slab-lock-interrupt.ts";

export const R18: Exhibit = exhibitOf(mutation, {
  verification: "V2",

  needs: "S",
  story: [
    "Without a double-word swap a bit of the page is the lock, and it was taken with interrupts on.",
    "An interrupt frees another object of the same slab and waits for the lock that it sits on.",
    "Interrupts are off around it.",
  ],
  scenario: slabLockInterrupt,
  class: "deadlock",
  preemptions: 1,
});
