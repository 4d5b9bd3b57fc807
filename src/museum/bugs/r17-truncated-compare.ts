// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free } from "../../laboratory/steps.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import { bug } from "../exhibit.ts";

export const R17 = bug({
  id: "R17",
  title: "arm64: cmpxchg_dbl: fix return value type",
  commit: "57a65667991a",
  year: 2015,
  verification: "V2",
  needs: "X",
  story: [
    "arm64 returned the difference of a double-word comparison as an int.",
    "A difference in the upper half was lost, so a swap succeeded although the counters had changed.",
    "The return type was widened.",
  ],
  expect: [
    "counter-drift",
    "stuck-frozen-slab",
    "list-corruption",
    "lost-object",
    "double-allocation",
    "use-after-free",
    "bad-access",
  ],
  change: onSlub((classes) => ({
    PageSwap: class extends classes.PageSwap {
      protected override exchange(
        page: PagePtr,
        oldFreelist: number,
        _oldCounters: number,
        newFreelist: number,
        newCounters: number,
      ): boolean {
        const counters = this.memory.readOnce(page + Page.counters);
        return super.exchange(page, oldFreelist, counters, newFreelist, newCounters);
      }
    },
  })),
  scenario: {
    name: "free-and-take",
    story: "One CPU frees to a full slab; another frees there, too, and allocates again.",
    machine: { cpus: 2 },
    setup: on(0, alloc("a", 8)),
    contexts: [task("A", 0, free("a.0")), task("B", 1, free("a.1"), alloc("x"))],
  },
  class: "list-corruption",
  preemptions: 1,
});
