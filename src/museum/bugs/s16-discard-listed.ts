// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const S16 = bug({
  id: "S16",
  title: "discard without remove_partial",
  needs: "0",
  story: [
    "An empty slab is discarded while it is on the list of its node.",
    "The next search finds freed pages.",
    "The slab is taken off the list first.",
  ],
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
  scenario: {
    name: "empty-listed-slab",
    story: "The last object of a slab on its node's list is freed.",
    machine: { minPartial: 0 },
    setup: on(0, alloc("a", 8), free("a.1-3"), free("a.5-7"), flush()),
    contexts: [task("A", 0, free("a.0"), alloc("x"))],
  },
  class: "use-after-free",
  preemptions: 0,
});
