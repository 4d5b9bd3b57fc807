import { withVectors } from "../bases.ts";
import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { R29 as mutation } from "../mutations/r29-destroy-before-avail.ts";
import { slabDestroyVector } from "../scenarios/slab-destroy-vector.ts";

export const R29: Exhibit = exhibitOf(mutation, {
  base: withVectors,
  verification: "V3",

  needs: "0",
  story: [
    "SLAB's queues destroyed slabs before they said that the objects were gone.",
    "Destroying a slab frees an object to the same queue, which is still full and is flushed again, with the same entries.",
    "avail is lowered first.",
  ],
  scenario: slabDestroyVector,
  class: "list-corruption",
  preemptions: 0,
});
