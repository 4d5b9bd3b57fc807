// SPDX-License-Identifier: GPL-2.0-only
import type { ObjCgroups } from "../../caches/memcg/obj-cgroups.ts";
import { onGroups } from "../../kernel/group-classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, enter, free, group, kill, leave } from "../../laboratory/steps.ts";
import { spinLock, spinUnlock } from "../../machine/spinlock.ts";
import { bug } from "../exhibit.ts";

export const R49 = bug({
  id: "R49",
  title: "mm: memcg: synchronize objcg lists with a dedicated spinlock",
  commit: "0764db9b49c9",
  year: 2022,
  verification: "V2",
  needs: "S",
  story: [
    "The lists of obj_cgroups were under a lock that is also taken with interrupts on.",
    "An interrupt drops the last reference of a dead group's obj_cgroup, which leaves its list: it waits for the task below it, which holds the lock.",
    "The lists have a lock of their own, taken with interrupts off.",
  ],
  expect: ["deadlock", "lock-order"],
  change: onGroups<typeof ObjCgroups>(
    (Groups) =>
      class extends Groups {
        protected override lockObjcgs(): boolean {
          spinLock(this.memory, this.objcgLock);
          return false;
        }

        protected override unlockObjcgs(): void {
          spinUnlock(this.memory, this.objcgLock);
        }
      },
  ),
  retypes: { "Groups.lockObjcgs": "f17b8b72", "Groups.unlockObjcgs": "d017785e" },
  scenario: {
    name: "objcg-goes-in-interrupt",
    story: "A group is killed while an interrupt drops what its CPU had in stock for a dead one.",
    machine: { cpus: 2, kernel: "6.1" },
    setup: [
      ...on(1, group("g", 8), group("h", 8), enter("h"), alloc("b"), leave()),
      ...on(0, enter("g"), alloc("a"), free("a"), leave(), kill("g")),
    ],
    // An object of another group: its bytes take the place of those in stock.
    contexts: [task("A", 0, kill("h")), interrupt("timer", 0, free("b"))],
  },
  class: "deadlock",
  preemptions: 1,
});
