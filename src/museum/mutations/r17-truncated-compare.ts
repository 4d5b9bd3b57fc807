/**
 * The double-word swap looks at the first word only, as arm64's did when it returned a 64-bit
 * difference as an int: a slab whose counters have changed under an equal freelist is swapped.
 */
import { onSlub } from "../../kernel/classes.ts";
import { Page, type PagePtr } from "../../pages/page.ts";
import type { Mutation } from "./mutation.ts";

export const R17: Mutation = {
  id: "R17",
  title: "arm64: cmpxchg_dbl: fix return value type",
  commit: "57a65667991a",
  year: 2015,
  expect: [
    "counter-drift",
    "stuck-frozen-slab",
    "list-corruption",
    "lost-object",
    "double-allocation",
    "use-after-free",
    "bad-access",
  ],
  change: onSlub((classes) => ({
    PageSwap: class extends classes.PageSwap {
      protected override exchange(
        page: PagePtr,
        oldFreelist: number,
        _oldCounters: number,
        newFreelist: number,
        newCounters: number,
      ): boolean {
        const { memory } = this;
        const counters = memory.readOnce(page + Page.counters);
        const at = page + Page.freelist;
        return memory.cmpxchgDouble(at, oldFreelist, counters, newFreelist, newCounters);
      }
    },
  })),
};
