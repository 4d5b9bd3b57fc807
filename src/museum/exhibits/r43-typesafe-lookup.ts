import { type Exhibit, exhibitOfUse } from "../exhibit.ts";
import { typesafeLookup, typesafeLookupUnchecked } from "../scenarios/typesafe-lookup.ts";

export const R43: Exhibit = exhibitOfUse(
  {
    id: "R43",
    title: "netfilter: nf_conntrack: look at the key again after taking the reference",
    commit: "c6825c0976fa",
    year: 2014,
  },
  {
    verification: "U",
    isIdUnconfirmed: true,
    needs: "X",
    story: [
      "SLAB_TYPESAFE_BY_RCU keeps the page, not the object: a reader may find it freed and handed out again.",
      "A lookup that found the right key takes its reference after the object has become another one.",
      "The key is compared again once the reference is held.",
    ],
    scenario: typesafeLookup,
    brokenScenario: typesafeLookupUnchecked,
    class: "use-after-free",
    preemptions: 1,
  },
);
