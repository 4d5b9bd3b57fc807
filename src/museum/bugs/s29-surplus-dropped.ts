// SPDX-License-Identifier: GPL-2.0-only
import { onSheafParts } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const S29 = bug({
  id: "S29",
  title: "sheaves: what a refill takes beyond its wish is not given back",
  needs: "0",
  story: [
    "A refill takes all free objects of a slab, fills its sheaf, and forgets the rest.",
    "Those objects are in no sheaf and on no list, and the slab counts them as in use forever.",
    "The surplus is freed to the slab, which counted as full and so goes back on the node's list.",
  ],
  expect: ["lost-object"],
  change: onSheafParts((classes) => ({
    Refill: class extends classes.Refill {
      protected override empty(
        s: KmemCachePtr,
        page: PagePtr,
        wanted: number,
        got: Address[],
      ): void {
        let object = this.takeAll(s, page);
        for (; object !== 0 && got.length < wanted; ) {
          got.push(object);
          object = this.parts.freePointers.get(s, object);
        }
      }
    },
  })),
  retypes: { "Refill.empty": "11945aca" },
  scenario: {
    name: "sheaf-refill-surplus",
    story: "An allocation refills a sheaf from slabs that have more free objects than it holds.",
    machine: { kernel: "7.1", cpus: 2, nodes: 2 },
    setup: [...on(0, alloc("a", 24)), ...on(1, free("a.0-7"), free("a.9-15"))],
    contexts: [task("A", 0, alloc("x"))],
  },
  class: "lost-object",
  preemptions: 0,
});
