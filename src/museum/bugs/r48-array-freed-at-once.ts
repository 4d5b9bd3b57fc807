// SPDX-License-Identifier: GPL-2.0-only
import type { ChildCaches } from "../../caches/memcg/child-caches.ts";
import { Ledger } from "../../check/ledger.ts";
import { onGroups } from "../../kernel/group-classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, enter, group, leave } from "../../laboratory/steps.ts";
import { hex } from "../../machine/hex.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Address } from "../../machine/memory.ts";
import { bug } from "../exhibit.ts";

export const R48 = bug({
  id: "R48",
  title: "memcg, slab: RCU protect memcg_params for root caches",
  commit: "f8570263ee16",
  year: 2014,
  verification: "V3",
  needs: "X",
  story: [
    "A cache's array of its groups' caches was replaced by a larger one and freed at once.",
    "A task of a group that has the old array in its hands reads freed memory where it looks for its cache.",
    "The old array is freed after a grace period, and is read in a read-side section.",
  ],
  base: onGroups<typeof ChildCaches>(
    (Groups) =>
      class extends Groups {
        /** No other check sees a read of an object that was freed. */
        protected override childIn(array: Address, id: number): Address {
          const child = super.childIn(array, id);
          // The free pointer comes to lie here: the search tries both orders of the two.
          this.memory.readRacy(array);
          if (new Ledger(this.common).isLive(array)) return child;
          throw new KernelBug(
            "use-after-free",
            `memcg_caches ${hex(array)} is read after it was freed`,
          );
        }
      },
  ),
  expect: ["use-after-free", "bad-access"],
  change: onGroups<typeof ChildCaches>(
    (Groups) =>
      class extends Groups {
        protected override freeOldArray(array: Address): void {
          this.common.kfree(array);
        }
      },
  ),
  retypes: { "Groups.freeOldArray": "648ce0b5" },
  scenario: {
    name: "array-grows",
    story: "A group comes for which the arrays are too small while a task looks into one.",
    machine: { cpus: 2, kernel: "4.1" },
    setup: on(0, group("g", 8), group("h", 8), group("i", 8), group("j", 8)),
    contexts: [task("A", 0, [enter("g"), alloc("x"), leave()]), task("B", 1, group("k", 8))],
  },
  class: "use-after-free",
  preemptions: 1,
});
