// SPDX-License-Identifier: GPL-2.0-only
import { SLAB_CONSISTENCY_CHECKS, SLAB_POISON, SLAB_RED_ZONE } from "../../caches/flags.ts";
import { onSlub } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, free, write } from "../../laboratory/steps.ts";
import type { Address, IrqFlags } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

export const R22 = bug({
  id: "R22",
  title: "mm/slub: restrict sysfs validation to debug caches and make it safe",
  commit: "c7323a5ad078",
  year: 2022,
  verification: "V3",
  needs: "X",
  story: [
    "list_lock was dropped between the marking of a debug cache's object as free and its listing.",
    "A validation in between finds the object marked free and on no list, and reports a healthy cache.",
    "The lock is held from the check to the listing, and caches without debugging are not validated.",
  ],
  expect: ["redzone", "poison"],
  change: onSlub((classes) => ({
    SlowFree: class extends classes.SlowFree {
      protected override listChecked(
        s: KmemCachePtr,
        n: KmemCacheNodePtr,
        page: PagePtr,
        object: Address,
        flags: IrqFlags,
      ): void {
        this.nodePartial.unlockIrqrestore(n, flags);
        super.listChecked(s, n, page, object, this.nodePartial.lockIrqsave(n));
      }
    },
  })),
  scenario: {
    name: "validate-free",
    story: "A debug cache is validated while another CPU gives an object back.",
    machine: { cpus: 2, flags: SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON },
    setup: on(0, alloc("a", 2)),
    contexts: [task("A", 0, free("a.0")), task("B", 1, write("validate", "1"))],
  },
  class: "redzone",
  preemptions: 1,
});
