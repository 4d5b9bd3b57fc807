/**
 * Objects that go home from an alien cache are put in their node's shared array without asking
 * whether it has one: when the last CPU of a node goes away it has none.
 */
import { onSlab } from "../../kernel/classes.ts";
import { transferObjects } from "../../slab/array-cache.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  KmemCacheNode,
  type KmemCacheNodePtr,
} from "../../slab/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R33: Mutation = {
  id: "R33",
  title: "slab: fix crash on __drain_alien_cache() during CPU hotplug",
  commit: null,
  year: 2006,
  expect: ["bad-access"],
  change: onSlab((form) => ({
    AlienCaches: class extends form.AlienCaches {
      protected override fillShared(n: KmemCacheNodePtr, ac: ArrayCachePtr): void {
        const { memory } = this;
        const shared = memory.readOnce(n + KmemCacheNode.shared);
        transferObjects(memory, shared, ac, memory.read32(ac + ArrayCache.limit));
      }
    },
  })),
};
