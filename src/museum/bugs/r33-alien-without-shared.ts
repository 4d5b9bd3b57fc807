// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, call, free, type Step, tune } from "../../laboratory/steps.ts";
import { transferObjects } from "../../slab/array-cache.ts";
import {
  ArrayCache,
  type ArrayCachePtr,
  KmemCacheNode,
  type KmemCacheNodePtr,
} from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";

const takeDown: Step = call("CPU 1, the last of node 1, goes down", ({ slab }) => {
  slab?.hotplug.deadCpu(1, { lastOfNode: true });
  return undefined;
});

export const R33 = bug({
  id: "R33",
  title: "slab: fix crash on __drain_alien_cache() during CPU hotplug",
  year: 2006,
  verification: "V1",
  needs: "X+hotplug",
  story: [
    "Objects sent home from another node were put in the shared array of their node without a test that the node has one.",
    "A node whose last CPU went down has no shared array, and NULL is followed.",
    "The array is tested under the lock.",
  ],
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
  retypes: { "AlienCaches.fillShared": "6329e12c" },
  scenario: {
    name: "slab-alien-offline",
    story: "Objects of node 1 are sent home while its last CPU goes down.",
    machine: { cpus: 2, nodes: 2, allocator: "slab", kernel: "6.1" },
    setup: on(0, tune(1, 1, 1), alloc("b", 13, 1), free("b.0-11")),
    contexts: [task("A", 0, free("b.12")), task("B", 0, takeDown)],
  },
  class: "bad-access",
  preemptions: 0,
});
