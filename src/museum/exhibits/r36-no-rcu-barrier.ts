import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R36 as mutation } from "../mutations/r36-no-rcu-barrier.ts";
import { destroyTypesafe } from "../scenarios/destroy-typesafe.ts";

export const R36: Exhibit = exhibitOf(mutation, {
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "S",
  story: [
    "Destroying a cache whose slabs go back by RCU waited for readers, but not for callbacks that were queued.",
    "One of them finds its cache gone.",
    "rcu_barrier instead of synchronize_rcu.",
  ],
  scenario: destroyTypesafe,
  class: "use-after-free",
  preemptions: 0,
});
