// SPDX-License-Identifier: GPL-2.0-only
import { onSlab } from "../../kernel/classes.ts";
import { migratableTask, task } from "../../laboratory/scenario.ts";
import { alloc } from "../../laboratory/steps.ts";
import type { ArrayCachePtr, KmemCachePtr } from "../../slab/structs.ts";
import { bug } from "../exhibit.ts";

export const S20 = bug({
  id: "S20",
  title: "the array is not looked up again after growing",
  needs: "M",
  story: [
    "The slow path goes on with the array it looked up before it asked for a new slab, which may sleep.",
    "The task has moved to another CPU meanwhile, or the arrays were exchanged, and it works on an array that is not its own.",
    "The array is looked up again.",
  ],
  expect: ["bad-access", "lost-object", "double-allocation", "data-race"],
  change: onSlab((form) => ({
    Refill: class extends form.Refill {
      protected override arrayAfterGrow(_s: KmemCachePtr, before: ArrayCachePtr): ArrayCachePtr {
        return before;
      }
    },
  })),
  scenario: {
    name: "slab-migration-grow",
    story: "A task is moved while it asks for a new slab; the CPU that it leaves allocates, too.",
    machine: { cpus: 2, allocator: "slab" },
    setup: [],
    contexts: [migratableTask("A", 0, alloc("x")), task("B", 0, alloc("y"))],
  },
  class: "bad-access",
  preemptions: 1,
});
