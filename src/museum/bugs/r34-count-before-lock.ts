// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, flush, free, tune } from "../../laboratory/steps.ts";
import { dropOldest, oldestObjects } from "../../slab/array-cache.ts";
import type { HowMany } from "../../slab/drain.ts";
import {
  ArrayCache,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";

export const R34 = bug({
  id: "R34",
  title: "fix drain_array() so that it works correctly with the shared_array",
  commit: "b18e7e654d7a",
  year: 2006,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "The drain decided how many objects to take before it took the lock, which is right only for a CPU's own array.",
    "Another CPU takes objects from the shared array in between, and the drain frees entries that are gone.",
    "The drain decides and acts under the lock.",
  ],
  expect: [
    "double-free",
    "use-after-free",
    "double-allocation",
    "counter-drift",
    "lost-object",
    "list-corruption",
  ],
  change: onSlab((form) => ({
    Drain: class extends form.Drain {
      override drainShared(s: KmemCachePtr, n: KmemCacheNodePtr, howMany: HowMany): void {
        const { memory } = this;
        const shared = memory.readOnce(n + KmemCacheNode.shared);
        const avail = shared === 0 ? 0 : memory.readOnce(shared + ArrayCache.avail);
        if (avail === 0) return;
        const count = howMany === "all" ? avail : this.fifth(shared, avail);
        const flags = this.lists.lockIrqsave(n);
        const emptied = this.freeBlock.free(s, n, oldestObjects(memory, shared, count));
        this.lists.unlockIrqrestore(n, flags);
        dropOldest(memory, shared, count);
        this.slabPages.destroyAll(s, emptied);
      }
    },
  })),
  retypes: { "Drain.drainLocked": "fc4d747a", "Drain.drainShared": "b5a3fdb7" },
  scenario: {
    name: "slab-shared-drain",
    story: "One CPU drains the shared array while another takes from it.",
    machine: { cpus: 2, allocator: "slab" },
    setup: on(0, tune(2, 1, 2), alloc("a", 6), free("a")),
    contexts: [task("A", 0, flush()), task("B", 1, alloc("x"))],
  },
  class: "use-after-free",
  preemptions: 1,
});
