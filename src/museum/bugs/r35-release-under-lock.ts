// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free, tune } from "../../laboratory/steps.ts";
import type { Address } from "../../machine/memory.ts";
import { Page } from "../../pages/page.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";
import { noFreeSlabs, vectorOf, withVectors } from "../slab-vectors.ts";

export const R35 = bug({
  id: "R35",
  title: "slab: destroy a slab without holding any alien cache lock",
  commit: "833b706cc8b4",
  year: 2014,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "Slabs that became empty on the way home were destroyed with the alien lock and list_lock held.",
    "Destroying a slab frees the objects it held, which may need the list_lock of the other node: two nodes that send each other's objects home wait for each other.",
    "Slabs are collected and destroyed after the locks are dropped.",
  ],
  base: withVectors,
  expect: ["deadlock"],
  change: onSlab((form) => ({
    FreeBlock: class extends form.FreeBlock {
      override free(s: KmemCachePtr, n: KmemCacheNodePtr, objects: readonly Address[]): number[] {
        const emptied = super.free(s, n, objects);
        for (const page of emptied) {
          // Linux had annotated this nesting, too: the deadlock is to be seen, not the order.
          this.memory.lockdepOff();
          this.indexes.release(s, page);
          this.memory.lockdepOn();
          // The later destruction of the slab finds nothing left to release.
          this.memory.write32(page + Page.freelist, 0);
        }
        return emptied;
      }
    },
  })),
  scenario: {
    name: "slab-nodes-cross",
    story: "Two nodes free each other's objects, each the last of a slab.",
    machine: { cpus: 2, nodes: 2, allocator: "slab" },
    setup: [
      ...on(0, tune(1, 1, 0), noFreeSlabs, alloc("b", 16, 1)),
      ...on(1, alloc("c", 16, 0)),
      ...on(0, vectorOf("b.4", "c.1"), free("b.4-15"), free("c.2")),
      ...on(1, vectorOf("c.4", "b.1"), free("c.4-15"), free("b.2")),
    ],
    contexts: [task("A", 0, free("b.0")), task("B", 1, free("c.0"))],
  },
  class: "deadlock",
  preemptions: 1,
});
