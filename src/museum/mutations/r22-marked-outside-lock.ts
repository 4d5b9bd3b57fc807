/**
 * list_lock is dropped between marking a debug cache's object as free and listing it, so that a
 * validation in between sees an object that is marked free and on no list.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { Address, IrqFlags } from "../../machine/memory.ts";
import type { PagePtr } from "../../pages/page.ts";
import type { KmemCacheNodePtr, KmemCachePtr } from "../../slub/structs.ts";
import type { Mutation } from "./mutation.ts";

export const R22: Mutation = {
  id: "R22",
  title: "mm/slub: restrict sysfs validation to debug caches and make it safe",
  commit: "c7323a5ad078",
  year: 2022,
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
};
