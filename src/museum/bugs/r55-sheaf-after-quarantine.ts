// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, call, destroy, kfreeRcu, type Step } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

function scenario(name: string, goes: Step): SlabScenario {
  return {
    name,
    story: "A cache with KASAN is destroyed right after an object was given to kfree_rcu.",
    machine: { kernel: "7.1", kasan: true },
    setup: on(0, alloc("a")),
    contexts: [task("A", 0, kfreeRcu("a"), goes)],
  };
}

/** kmem_cache_destroy, which waits for the callbacks when the quarantine is empty already. */
const withoutBarrier = call("destroy the cache, with no barrier before", ({ system, s }) => {
  system.common.kmemCacheDestroy(s);
  return undefined;
});

export const R55 = bug({
  id: "R55",
  title: "mm/slab: kvfree_rcu_barrier_on_cache waits for sheaves before the quarantine is emptied",
  commit: "b55b423e8518",
  year: 2025,
  verification: "V3",
  needs: "0",
  story: [
    "The destruction of a cache emptied KASAN's quarantine first, and then waited for objects of kfree_rcu.",
    "Their callbacks free them into the quarantine, where nobody looks any more: the cache still has objects.",
    "Objects of kfree_rcu are waited for before the quarantine is emptied.",
  ],
  scenario: scenario("rcu-free-destroy", destroy()),
  brokenScenario: scenario("rcu-free-destroy-unchecked", withoutBarrier),
  class: "lost-object",
  preemptions: 0,
});
