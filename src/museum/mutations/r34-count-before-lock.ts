/**
 * How many objects of the shared array are to go is decided before the lock is taken, and the array
 * is closed up after it was dropped. That is right for a CPU's own array; from the shared one others
 * take objects in between.
 */
import { onSlab } from "../../kernel/classes.ts";
import { dropOldest, oldestObjects } from "../../slab/array-cache.ts";
import type { HowMany } from "../../slab/drain.ts";
import {
  ArrayCache,
  KmemCacheNode,
  type KmemCacheNodePtr,
  type KmemCachePtr,
} from "../../slab/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R34: Mutation = {
  id: "R34",
  title: "fix drain_array() so that it works correctly with the shared_array",
  commit: "b18e7e654d7a",
  year: 2006,
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
        const doomed = this.freeBlock.free(s, n, oldestObjects(memory, shared, count));
        this.lists.unlockIrqrestore(n, flags);
        dropOldest(memory, shared, count);
        this.slabPages.destroyAll(s, doomed);
      }
    },
  })),
};
