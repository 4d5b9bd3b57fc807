import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S09 as mutation } from "../mutations/s09-unfreeze-before-lock.ts";
import { remoteFreeDeactivate } from "../scenarios/remote-free-deactivate.ts";

export const S09: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "X",
  story: [
    "A slab is unfrozen first and listed later.",
    "A free on another CPU sees it unfrozen, takes it for listed and takes it off a list it is not on.",
    "Both happen under list_lock.",
  ],
  scenario: remoteFreeDeactivate,
  class: "list-corruption",
  preemptions: 1,
});
