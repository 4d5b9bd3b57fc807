// SPDX-License-Identifier: GPL-2.0-only
import { onSheafParts } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { inuseOf, withInuse } from "../../slub/counters.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const S25 = bug({
  id: "S25",
  title: "sheaves: SL_partial is read before list_lock is taken",
  needs: "X",
  story: [
    "A free that empties a slab looks whether the slab is on its node's list, and takes list_lock afterwards.",
    "A refill has taken the slab off the list in between, so the free takes it off once more and gives its pages away.",
    "The mark is read with list_lock, by which alone it changes.",
  ],
  expect: ["list-corruption", "use-after-free", "lost-object", "counter-drift", "bad-access"],
  change: onSheafParts((classes) => ({
    SheafSlowFree: class extends classes.SheafSlowFree {
      protected override freePlain(
        s: KmemCachePtr,
        page: PagePtr,
        objects: readonly Address[],
      ): void {
        const { memory } = this;
        const { nodePartial } = this.parts;
        this.link(s, objects);
        for (;;) {
          const prior = memory.readOnce(page + Page.freelist);
          const counters = memory.readOnce(page + Page.counters);
          const fewer = withInuse(counters, inuseOf(counters) - objects.length);
          if (prior !== 0 && inuseOf(fewer) !== 0) {
            if (this.push(s, page, objects, prior, counters, fewer)) return;
            continue;
          }
          const isListed = nodePartial.isListed(page);
          const n = this.context.nodeOfPage(s, page);
          const flags = nodePartial.lockIrqsave(n);
          const isDone = this.push(s, page, objects, prior, counters, fewer);
          const isUnwanted =
            isDone && this.relist(s, n, page, prior === 0, isListed, inuseOf(fewer));
          nodePartial.unlockIrqrestore(n, flags);
          if (isUnwanted) this.parts.slabPages.discard(s, page);
          if (isDone) return;
        }
      }
    },
  })),
  retypes: { "SheafSlowFree.freePlain": "6284e3da" },
  scenario: {
    name: "sheaf-free-and-refill",
    story:
      "A CPU of another node frees the last object of a slab that a refill takes off its list.",
    machine: { kernel: "7.1", cpus: 2, nodes: 2, minPartial: 0 },
    setup: [...on(0, alloc("a", 12)), ...on(1, free("a.1-11"))],
    contexts: [task("A", 1, free("a.0")), task("B", 0, alloc("x"))],
  },
  class: "list-corruption",
  preemptions: 2,
});
