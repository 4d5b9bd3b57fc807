// SPDX-License-Identifier: GPL-2.0-only
import { onSheafParts } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const S26 = bug({
  id: "S26",
  title: "sheaves: a refill empties a slab and leaves its count as it was",
  needs: "0",
  story: [
    "The swap that takes all free objects of a slab replaces the list alone.",
    "The slab counts objects as free that lie in a sheaf: frees of the others make it empty too early, and its pages go while objects are out.",
    "List and counters are replaced as one: all objects count as in use.",
  ],
  expect: ["counter-drift", "use-after-free", "list-corruption", "lost-object"],
  change: onSheafParts((classes) => ({
    Refill: class extends classes.Refill {
      protected override takeAll(s: KmemCachePtr, page: PagePtr): Address {
        const { memory } = this;
        for (;;) {
          const freelist = memory.readOnce(page + Page.freelist);
          const counters = memory.readOnce(page + Page.counters);
          const { pageSwap } = this.parts;
          if (pageSwap.swapIrqSafe(s, page, freelist, counters, 0, counters)) return freelist;
        }
      }
    },
  })),
  retypes: { "Refill.takeAll": "0151ca29" },
  scenario: {
    name: "sheaf-refill-from-list",
    story: "An allocation refills a sheaf from slabs on the node's list.",
    machine: { kernel: "7.1", cpus: 2, nodes: 2 },
    setup: [...on(0, alloc("a", 12)), ...on(1, free("a.0-2"))],
    contexts: [task("A", 0, alloc("x"))],
  },
  class: "counter-drift",
  preemptions: 0,
});
