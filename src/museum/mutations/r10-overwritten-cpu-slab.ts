/**
 * While pages were asked for, interrupts were on, and another context has given this CPU a slab.
 * The new slab is installed over it: the other stays frozen, and its free objects are lost.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { Mutation } from "./mutation.ts";

export const R10: Mutation = {
  id: "R10",
  title: "SLUB: fix memory leak by not reusing cpu_slab",
  commit: "05aa345034de",
  year: 2008,
  expect: ["stuck-frozen-slab", "lost-object"],
  change: onSlub((classes) => ({
    SlowAllocation: class extends classes.SlowAllocation {
      protected override flushIntruder(): void {}
    },
  })),
};
