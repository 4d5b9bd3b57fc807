/**
 * When a boot cache moves to its final place, the slab that the CPU allocates from is not flushed
 * first: it is on no list, so it goes on naming the cache that is gone.
 */
import { onSlub } from "../../kernel/classes.ts";
import type { Mutation } from "./mutation.ts";

export const R39: Mutation = {
  id: "R39",
  title: "slub: correctly bootstrap boot caches",
  commit: "7d557b3cb693",
  year: 2013,
  expect: ["wrong-slab"],
  change: onSlub((classes) => ({
    Bootstrap: class extends classes.Bootstrap {
      protected override flushBootSlab(): void {}
    },
  })),
};
