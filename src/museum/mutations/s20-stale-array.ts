/**
 * After a new slab was made, the array that was empty before is filled, without looking which array
 * is this CPU's now: interrupts were on, and the task may have moved or the arrays been exchanged.
 */
import { onSlab } from "../../kernel/classes.ts";
import type { ArrayCachePtr, KmemCachePtr } from "../../slab/structs.ts";
import type { Mutation } from "./mutation.ts";

export const S20: Mutation = {
  id: "S20",
  title: "the array is not looked up again after growing",
  commit: null,
  year: null,
  expect: ["lost-object", "bad-access", "double-allocation", "data-race"],
  change: onSlab((form) => ({
    Refill: class extends form.Refill {
      protected override arrayAfterGrow(_s: KmemCachePtr, before: ArrayCachePtr): ArrayCachePtr {
        return before;
      }
    },
  })),
};
