import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R40 as mutation } from "../mutations/r40-dead-cache.ts";
import { keepsNone } from "../scenarios/keeps-none.ts";

export const R40: Exhibit = exhibitOf(mutation, {
  verification: "V3-",

  needs: "X",
  story: [
    "A cache that is to keep no slab has its limits set to 0, and every CPU is flushed.",
    "A free that pushes its slab after that flush leaves it there for good.",
    "Whoever has pushed looks at the limit once more and drains itself.",
  ],
  scenario: keepsNone,
  class: "leaked-page",
  preemptions: 0,
});
