// SPDX-License-Identifier: GPL-2.0-only
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free } from "../../laboratory/steps.ts";
import { KmemCache, type KmemCacheNodePtr, type KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const R40b = bug({
  id: "R40b",
  title: "slub: fix off by one in number of slab tests",
  commit: "8a5b20aebaa3",
  year: 2014,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "0",
  story: [
    "A node had enough slabs if it had more than its limit.",
    "With a limit of 0, one empty slab stays for ever.",
    "A node has enough slabs if it has at least as many as its limit.",
  ],
  expect: ["leaked-page"],
  change: onSlub((classes) => ({
    NodePartial: class extends classes.NodePartial {
      override hasEnough(s: KmemCachePtr, n: KmemCacheNodePtr): boolean {
        return this.nrPartial(n) > this.memory.readOnce(s + KmemCache.minPartial);
      }
    },
  })),
  retypes: { "NodePartial.hasEnough": "caaaabf7" },
  scenario: {
    name: "min-partial-zero",
    story: "A cache whose nodes are to keep no slab is emptied and flushed.",
    machine: { minPartial: 0 },
    setup: on(0, alloc("a", 8)),
    contexts: [task("A", 0, free("a"), flush())],
    endsEmpty: "by itself",
  },
  class: "leaked-page",
  preemptions: 0,
});
