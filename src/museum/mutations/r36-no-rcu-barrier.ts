/**
 * A cache whose slabs go back by RCU waits, when it is destroyed, for readers but not for the
 * callbacks that are still queued: one of them finds its cache gone.
 */
import { onCommon } from "../../kernel/classes.ts";
import type { Mutation } from "./mutation.ts";

export const R36: Mutation = {
  id: "R36",
  title: "fix RCU-callback-after-kmem_cache_destroy problem in sl[aou]b",
  commit: "7ed9f7e5db58",
  year: 2009,
  expect: ["use-after-free"],
  change: onCommon((classes) => ({
    SlabCommon: class extends classes.SlabCommon {
      protected override waitForSlabs(): void {
        this.machine.rcu.synchronize();
      }
    },
  })),
};
