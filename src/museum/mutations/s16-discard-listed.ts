/** An empty slab is discarded while it is on its node's list: the next search finds freed pages. */
import { onSlub } from "../../kernel/classes.ts";
import type { Mutation } from "./mutation.ts";

export const S16: Mutation = {
  id: "S16",
  title: "discard without remove_partial",
  commit: null,
  year: null,
  expect: [
    "use-after-free",
    "list-corruption",
    "bad-access",
    "counter-drift",
    "leaked-page",
    "double-allocation",
  ],
  change: onSlub((classes) => ({
    SlowFree: class extends classes.SlowFree {
      protected override takeOffList(): void {}
    },
  })),
};
