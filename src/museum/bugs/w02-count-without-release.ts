// SPDX-License-Identifier: GPL-2.0-only
import { bug } from "../exhibit.ts";
import { typesafeLookup } from "./r43-typesafe-lookup.ts";

export const W02 = bug({
  id: "W02",
  title: "refcount: a count of SLAB_TYPESAFE_BY_RCU that is set without release",
  commit: null,
  year: 2025,
  verification: "U",
  isIdUnconfirmed: true,
  needs: "X",
  memory: "pso",
  story: [
    "An object that is used again gets its new key first and its reference count last, by two plain stores.",
    "Another CPU sees the count before the key: it takes a reference, compares the old key twice, and holds the wrong object.",
    "refcount_set_release makes the key visible before the count.",
  ],
  scenario: typesafeLookup("typesafe-count", {}),
  brokenScenario: typesafeLookup("typesafe-count-unchecked", {
    setCount: (memory, at, count) => memory.writeOnce(at, count),
  }),
  class: "use-after-free",
  preemptions: 2,
});
