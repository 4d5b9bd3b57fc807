/**
 * A slab of the cpu partial list is unfrozen first and listed later: a free on another CPU sees it
 * unfrozen, takes it for listed, and takes it off a list it is not on.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { KmemCachePtr } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";

export const S09: Mutation = {
  id: "S09",
  title: "unfreeze first, add_partial later",
  commit: null,
  year: null,
  expect: ["list-corruption", "counter-drift", "use-after-free"],
  change: onSlub((classes) => ({
    CpuPartial: class extends classes.CpuPartial {
      protected override clearFrozen(s: KmemCachePtr, page: PagePtr): number {
        const n = this.context.nodeOfPage(s, page);
        this.nodePartial.unlock(n);
        const counters = super.clearFrozen(s, page);
        this.nodePartial.lock(n);
        return counters;
      }
    },
  })),
};
