// SPDX-License-Identifier: GPL-2.0-only
import type { ChildCaches } from "../../caches/memcg/child-caches.ts";
import { onGroups } from "../../kernel/group-classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, destroy, enter, free, group, leave, work } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const R37 = bug({
  id: "R37",
  title: "mm: fix race between kmem_cache destroy, create and deactivate",
  commit: "92ee383f6daa",
  year: 2018,
  verification: "V3",
  needs: "X",
  story: [
    "The work that makes a group's cache names the root cache, and has no reference to it.",
    "A root that is destroyed meanwhile is gone when the work looks at it, or a child of it is made.",
    "Destruction marks the root, so that no work begins, and waits for those that wait.",
  ],
  expect: ["use-after-free", "bad-access", "double-free", "list-corruption", "lost-object"],
  change: onGroups<typeof ChildCaches>(
    (Groups) =>
      class extends Groups {
        override beforeDestroy(): void {}
      },
  ),
  retypes: {},
  scenario: {
    name: "destroy-with-work",
    story: "A cache is destroyed while a work is to make a group's cache of it.",
    machine: { cpus: 2, kernel: "4.1" },
    setup: on(0, group("g", 8), enter("g"), alloc("a"), leave(), free("a")),
    contexts: [task("A", 0, destroy()), task("worker", 1, work())],
  },
  class: "use-after-free",
  preemptions: 0,
});
