/**
 * The shared array is looked up before the lock is taken. Whoever exchanges it meanwhile frees it,
 * and what is drained under the lock is freed memory.
 */
import { onSlab } from "../../kernel/classes.ts";
import type { HowMany } from "../../slab/drain.ts";
import { KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "../../slab/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R30: Mutation = {
  id: "R30",
  title: "mm/slab: fix the theoretical race by holding proper lock",
  commit: "18726ca8b34b",
  year: 2016,
  expect: ["use-after-free", "double-allocation", "double-free"],
  change: onSlab((form) => ({
    Drain: class extends form.Drain {
      override drainShared(s: KmemCachePtr, n: KmemCacheNodePtr, howMany: HowMany): void {
        const shared = this.memory.readOnce(n + KmemCacheNode.shared);
        if (shared === 0) return;
        const flags = this.lists.lockIrqsave(n);
        const doomed = this.drainLocked(s, n, shared, howMany);
        this.lists.unlockIrqrestore(n, flags);
        this.slabPages.destroyAll(s, doomed);
      }
    },
  })),
};
