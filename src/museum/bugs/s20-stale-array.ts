/**
 * After a new slab was made, the array that was empty before is filled, without looking which array
 * is this CPU's now: interrupts were on, and the task may have moved or the arrays been exchanged.
 */
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
    "After a new slab was asked for, which may sleep, the array that was looked up before is used.",
    "The task has moved to another CPU meanwhile, and works on an array that is not its own.",
    "The array is looked up again.",
  ],
  expect: ["lost-object", "bad-access", "double-allocation", "data-race"],
  change: onSlab((form) => ({
    Refill: class extends form.Refill {
      protected override arrayAfterGrow(_s: KmemCachePtr, before: ArrayCachePtr): ArrayCachePtr {
        return before;
      }
    },
  })),
  scenario: {
    name: "slab-migration-grow",
    story: "A task is moved while it asks for a new slab; the CPU it leaves allocates, too.",
    machine: { cpus: 2, allocator: "slab" },
    setup: [],
    contexts: [migratableTask("A", 0, alloc("x")), task("B", 0, alloc("y"))],
  },
  class: "double-allocation",
  preemptions: 2,
});
