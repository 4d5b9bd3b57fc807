import { withQueueChecks } from "../bases.ts";
import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R30 as mutation } from "../mutations/r30-shared-outside-lock.ts";
import { slabSharedExchange } from "../scenarios/slab-shared-exchange.ts";

export const R30: Exhibit = exhibitOf(mutation, {
  base: withQueueChecks,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "The shared array was looked up before the lock was taken.",
    "Whoever tunes the cache replaces and frees it in between, and what is drained is freed memory.",
    "It is looked up under the lock.",
  ],
  scenario: slabSharedExchange,
  class: "use-after-free",
  preemptions: 1,
});
