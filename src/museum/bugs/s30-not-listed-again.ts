// SPDX-License-Identifier: GPL-2.0-only
import { onSheafParts } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const S30 = bug({
  id: "S30",
  title: "sheaves: a slab that a refill did not need is not listed again",
  needs: "0",
  story: [
    "A refill takes slabs off the list until their free objects suffice, and comes to the first of them last.",
    "The sheaf is full before that slab is touched, and the slab, with its free objects, is left on no list.",
    "Slabs that were not touched go back to the head of the list, or are discarded if they have become empty.",
  ],
  expect: ["lost-object"],
  change: onSheafParts((classes) => ({
    Refill: class extends classes.Refill {
      protected override giveBack(): void {}
    },
  })),
  retypes: { "Refill.giveBack": "b9802af3" },
  scenario: {
    name: "sheaf-refill-untouched",
    story: "An allocation refills a sheaf from slabs the last of which suffice.",
    machine: { kernel: "7.1", cpus: 2, nodes: 2 },
    setup: [...on(0, alloc("a", 24)), ...on(1, free("a.16"), free("a.0-7"), free("a.12-15"))],
    contexts: [task("A", 0, alloc("x"))],
  },
  class: "lost-object",
  preemptions: 0,
});
