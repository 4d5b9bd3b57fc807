// SPDX-License-Identifier: GPL-2.0-only
import { SLAB_TYPESAFE_BY_RCU } from "../../caches/flags.ts";
import { onCommon } from "../../kernel/classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { alloc, destroy, free } from "../../laboratory/steps.ts";
import { bug } from "../exhibit.ts";

export const R36 = bug({
  id: "R36",
  title: "fix RCU-callback-after-kmem_cache_destroy problem in sl[aou]b",
  commit: "7ed9f7e5db58",
  year: 2009,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "S",
  story: [
    "The destruction of a cache whose slabs are freed by RCU waited for readers, but not for queued callbacks.",
    "A callback runs after its cache is gone.",
    "rcu_barrier replaces synchronize_rcu.",
  ],
  expect: ["use-after-free"],
  change: onCommon((classes) => ({
    SlabCommon: class extends classes.SlabCommon {
      protected override waitForSlabs(): void {
        this.machine.rcu.synchronize();
      }
    },
  })),
  retypes: { "SlabCommon.waitForSlabs": "a55fc6b9" },
  scenario: {
    name: "destroy-typesafe",
    story: "A cache whose slabs go back by RCU is destroyed right after its last object was freed.",
    machine: { cpus: 2, flags: SLAB_TYPESAFE_BY_RCU },
    setup: on(0, alloc("a", 4)),
    contexts: [task("A", 0, [free("a"), destroy()])],
  },
  class: "use-after-free",
  preemptions: 0,
});
