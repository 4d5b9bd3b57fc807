// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free, minFree } from "../../laboratory/steps.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { KmemCacheNodePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";

export const S36 = bug({
  id: "S36",
  title: "slab: an array is filled from a reserved slab (no get_valid_first_slab)",
  needs: "X",
  story: [
    "A refill takes the first slab of the node's lists, though it was made of the reserves.",
    "Its objects lie in a CPU's array, where every request finds them.",
    "A refill takes the first slab that is for everybody, and moves the others to the end of the list.",
  ],
  expect: ["wrong-slab"],
  change: onSlab((classes) => ({
    NodeLists: class extends classes.NodeLists {
      override firstWithFree(n: KmemCacheNodePtr): PagePtr {
        return super.firstWithFree(n, true);
      }
    },
  })),
  scenario: {
    name: "slab-reserve-at-refill",
    story: "A reserved slab gets an object back while another CPU fills its array.",
    machine: { allocator: "slab", cpus: 2, kernel: "6.1" },
    setup: on(0, minFree(65_536), alloc("a", 4, -1, "memalloc")),
    contexts: [task("A", 0, free("a.0")), task("B", 1, alloc("x", 1, -1, "ordinary"))],
  },
  class: "wrong-slab",
  preemptions: 0,
});
