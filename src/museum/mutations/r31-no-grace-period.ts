/**
 * A shared array that was replaced is freed at once, while a refill on another CPU, which looks at
 * it without a lock, may still hold its address. Only in the form of 5.10: 4.1 looks under the lock.
 */
import { onSlab } from "../../kernel/classes.ts";
import type { ArrayCachePtr } from "../../slab/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R31: Mutation = {
  id: "R31",
  title: "mm/slab: lockless decision to grow cache",
  commit: "801faf0db894",
  year: 2016,
  expect: ["use-after-free", "double-allocation", "data-race"],
  change: onSlab((classes) => ({
    NodeSetup: class extends classes.NodeSetup {
      protected override retireShared(old: ArrayCachePtr): void {
        this.context.common.kfree(old);
      }
    },
  })),
};
