/**
 * The fast path found the list empty; by the time interrupts are off it need not be: an interrupt
 * has freed there, or the task has moved to a CPU with a list. The slow path overwrites it.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { Mutation } from "./mutation.ts";

export const R04: Mutation = {
  id: "R04",
  title: "slub: fix a possible memleak in __slab_alloc()",
  commit: "73736e0387ba",
  year: 2011,
  expect: ["lost-object"],
  change: onSlub((classes) => ({
    SlowAllocation: class extends classes.SlowAllocation {
      protected override recheckFreelist(): number {
        return 0;
      }
    },
  })),
};
